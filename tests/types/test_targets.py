"""Target: what may be declared."""

import runpy
import sys
from typing import get_args

import pytest

from emonet_bench import types
from emonet_bench.errors import ConfigError
from emonet_bench.types import targets
from emonet_bench.types.targets import Target


def test_the_module_is_imported_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "Target" in runpy.run_path(targets.__file__)


def test_the_package_has_the_names_too():
    assert types.Target is Target
    assert types.TargetKind is targets.TargetKind


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (("votes", "vote", ("a", "b")), "unknown kind 'vote'"),
        (("votes", "votes", ("a",)), "at least 2 names"),
        (("votes", "votes", ("a", "a")), "each once"),
        (("values", "values", ()), "at least 1 names"),
        (("values", "values", ("arousal",)), "has 0 scales"),
        (("votes", "votes", ("a", "b"), ((0.0, 1.0), (0.0, 1.0))), "has 2 scales"),
        (("values", "values", ("arousal",), ((5.0, 1.0),)), "from 5.0 to 1.0; it must rise"),
        (("values", "values", ("arousal",), ((1.0, float("nan")),)), "it must rise"),
    ],
)
def test_what_cannot_be_predicted_is_refused_in_one_line(declared, message):
    with pytest.raises(ConfigError, match=message) as refused:
        Target(*declared)
    assert "\n" not in str(refused.value)


def test_there_are_four_kinds_of_targets():
    assert get_args(types.TargetKind) == ("label", "votes", "label-set", "values")
