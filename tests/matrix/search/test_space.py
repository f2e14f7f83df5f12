"""The search space: drawn values lie within, every listed one is reached, and a grid is the product of its lists."""

import itertools
import math
import random

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.search.space import ARCHITECTURE, Dimension, Space
from emonet_bench.runs.search import Range

LOG = Dimension("a", Range(low=1e-5, high=1e-1, log=True))
LINE = Dimension("b", Range(low=0.0, high=0.5))
WHOLE = Dimension("c", Range(low=2, high=5), whole=True)
LIST = Dimension("d", ("x", [1, 2], None))


def draws(dimension, count=4000):
    generator = random.Random(0)
    return [dimension.at(generator.random()) for _ in range(count)]


@pytest.mark.parametrize("dimension", [LOG, LINE, WHOLE])
def test_numbers_are_drawn_from_the_whole_range_and_not_beyond(dimension):
    drawn = [*draws(dimension), dimension.at(0.0), dimension.at(1 - 1e-12)]
    assert min(drawn) == pytest.approx(dimension.values.low)
    assert max(drawn) == pytest.approx(dimension.values.high)
    assert dimension.values.low <= min(drawn) and max(drawn) <= dimension.values.high  # noqa: PT018


def test_a_logarithmic_range_is_as_often_in_each_decade():
    decades = [math.floor(math.log10(value)) for value in draws(LOG)]
    assert all(900 < decades.count(decade) < 1100 for decade in (-5, -4, -3, -2))


@pytest.mark.parametrize("dimension", [WHOLE, LIST])
def test_each_listed_value_is_drawn_as_often(dimension):
    drawn, listed = draws(dimension), dimension.listed()
    assert all(0.8 < drawn.count(value) * len(listed) / len(drawn) < 1.2 for value in listed)


def test_drawn_numbers_have_few_digits():
    assert all(value == float(f"{value:.4g}") for value in draws(LOG, 100))


def test_a_grid_has_every_combination_of_each_architecture_with_its_own_options():
    space = Space({"one": (WHOLE, LIST), "two": (LIST,)}, named=True)
    points = list(space.points())
    expected = [{ARCHITECTURE: "one", "c": c, "d": d} for c, d in itertools.product((2, 3, 4, 5), LIST.values)]
    expected += [{ARCHITECTURE: "two", "d": d} for d in LIST.values]
    assert points == expected
    assert space.size == 15


def test_a_continuous_space_has_no_size_and_no_grid():
    space = Space({"one": (LIST, LOG)})
    assert space.size is None
    with pytest.raises(ConfigError, match=r"search.space.a: a grid has no continuous range; list its values"):
        next(space.points())


def test_a_point_without_an_architecture_is_of_the_only_one():
    assert Space({"one": (LIST,)}).architecture({"d": "x"}) == "one"
