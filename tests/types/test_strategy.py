"""A strategy, what it prepares a network for, and the groups of parameters in its plan."""

import pytest

from emonet_bench.config import Options
from emonet_bench.errors import ConfigError
from emonet_bench.types import ParameterGroup, Strategy


def never(*_):
    raise AssertionError


def test_it_needs_a_source_where_it_says_how_that_is_trained():
    assert Strategy("mine", Options, never, ("scratch", "multi-task")).needs_source
    assert not Strategy("mine", Options, never).needs_source


def test_its_name_is_held_to_what_a_file_can_be_called():
    with pytest.raises(ConfigError, match=r"strategy name '\.\./up': use letters, digits"):
        Strategy("../up", Options, never)


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_factor_on_the_rate_that_is_none_is_refused(rate):
    with pytest.raises(ConfigError, match="is no factor on a learning rate; give one above 0"):
        ParameterGroup([], rate=rate)
