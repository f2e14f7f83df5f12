"""An architecture: its name stands in file names, and its kinds of targets follow from how it is trained."""

import pytest

from emonet_bench.config import Options
from emonet_bench.errors import ConfigError
from emonet_bench.types import Architecture


def never(*_):
    raise AssertionError


@pytest.mark.parametrize(
    ("more", "taken"),
    [
        ({}, {"label", "votes", "label-set", "values"}),
        ({"fit": never}, {"label"}),
        ({"kinds": ("values",)}, {"values"}),
        ({"fit": never, "kinds": ("votes", "values")}, {"votes", "values"}),
    ],
)
def test_its_kinds_of_targets_are_those_it_names_or_follow_from_how_it_is_trained(more, taken):
    architecture = Architecture("mine", "cnn", Options, never, **more)
    assert {kind for kind in ("label", "votes", "label-set", "values") if architecture.takes(kind)} == taken


def test_its_name_is_held_to_what_a_file_can_be_called():
    with pytest.raises(ConfigError, match="architecture name 'a b': use letters, digits"):
        Architecture("a b", "cnn", Options, never)
