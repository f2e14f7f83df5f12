"""Samplers: the same proposals for everybody, different ones in a study, and later ones that learn."""

import json

from emonet_bench.matrix.search.samplers import GENERATION, STARTUP, Tried, generation, random_points
from emonet_bench.matrix.search.space import Dimension, Space
from emonet_bench.runs.search import Range, Search

RATE = Dimension("training.learning_rate", Range(low=1e-5, high=1.0, log=True))
SPACE = Space({"net": (RATE, Dimension("options.net.width", (1, 2, 3)))})


def search(**values):
    return Search(space={}, **values)


def test_random_points_are_the_same_whoever_draws_and_however_many():
    many = random_points(3, SPACE, 30)
    assert random_points(3, SPACE, 10) == many[:10]
    assert random_points(4, SPACE, 30) != many


def test_random_points_are_pinned():
    """Trials on disk are found again by what is proposed: a change of these numbers would train them anew."""
    drawn = [point["training.learning_rate"] for point in random_points(0, SPACE, 3)]
    assert drawn == [1.224e-05, 0.07422, 0.0001026]


def test_no_point_is_drawn_twice_and_a_small_space_ends():
    small = Space({"net": (Dimension("options.net.width", (1, 2, 3)),)})
    points = random_points(0, small, 10)
    assert sorted(point["options.net.width"] for point in points) == [1, 2, 3]


def test_what_learns_nothing_is_proposed_at_once():
    assert len(generation(search(), SPACE, [], 30)) == 30
    assert len(generation(search(sampler="grid"), Space({"net": SPACE.dimensions["net"][1:]}), [], 3)) == 3


def test_a_budget_in_seconds_is_looked_at_between_generations():
    first = generation(search(seconds=9.0), SPACE, [], 30)
    assert len(first) == GENERATION
    second = generation(search(seconds=9.0), SPACE, [Tried(point, 0.5) for point in first], 30)
    assert first + second == random_points(0, SPACE, 2 * GENERATION)


def test_tpe_begins_with_random_points():
    assert generation(search(sampler="tpe"), SPACE, [], 30) == random_points(0, SPACE, STARTUP)


def test_points_can_be_written_down():
    assert json.loads(json.dumps(random_points(0, SPACE, 5))) == random_points(0, SPACE, 5)
