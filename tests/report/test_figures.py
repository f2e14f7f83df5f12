"""Figures: Pareto fronts, scales and ticks, and drawings that are read back as XML."""

import itertools
import random
import xml.etree.ElementTree as ET

import pytest

from emonet_bench.report.details import Curve
from emonet_bench.report.figures import Point, Scale, count, curve_figure, gain_figure, pareto


def test_the_pareto_front_is_what_nothing_beats():
    generator = random.Random(0)
    points = [Point(str(i), "", generator.randint(1, 30), generator.randint(-9, 9) / 10) for i in range(60)]
    best = {
        (point.cost, point.gain)
        for point in points
        if not any(
            other.cost <= point.cost
            and other.gain >= point.gain
            and (other.cost, other.gain) != (point.cost, point.gain)
            for other in points
        )
    }
    front = pareto(points)
    assert {(point.cost, point.gain) for point in front} == best
    assert all(a.cost < b.cost and a.gain < b.gain for a, b in itertools.pairwise(front))


@pytest.mark.parametrize(("low", "high"), [(-0.02, 0.3), (0.1, 0.11), (-3, 170)])
def test_ticks_are_round_and_within_the_axis(low, high):
    ticks = Scale(low, high, 0, 100).ticks()
    assert 2 <= len(ticks) <= 7
    assert all(low <= tick <= high for tick in ticks)
    assert Scale(5, 50_000, 0, 100, log=True).ticks() == [10, 100, 1000, 10_000]


def test_a_scale_puts_its_ends_where_they_belong_and_decades_at_equal_steps():
    linear, decades = Scale(-1, 3, 200, 0), Scale(1, 1000, 0, 300, log=True)
    assert [linear(value) for value in (-1, 1, 3)] == [200, 100, 0]
    assert [decades(value) for value in (1, 10, 100, 1000)] == [0, 100, 200, 300]


def test_each_gain_is_a_mark_filled_where_it_is_significant_and_named_as_it_is():
    points = [Point("<b>", "cnn", 100, 0.0), Point("adapters", "cnn", 4000, 0.1, 0.05, 0.15, sure=True)]
    drawn = ET.fromstring(gain_figure(points, "trained parameters", ["cnn"]))
    assert [mark.get("class") for mark in drawn.iter("circle")] == ["open", "sure"]
    assert len([line for line in drawn.iter("line") if line.get("class") == "whisker"]) == 1
    titles = [title.text for title in drawn.iter("title")]
    assert titles == ["cnn <b>: +0.000 at 100", "cnn adapters: +0.100 at 4,000, 95 % interval +0.050 to +0.150"]


def test_names_of_equal_points_do_not_cover_each_other():
    points = [Point("name", "cnn", 100, 0.1) for _ in range(4)]
    drawn = ET.fromstring(gain_figure(points, "cost", ["cnn"]))
    heights = sorted(float(mark.find("text").get("y")) for mark in drawn.iter("g"))
    assert all(b - a >= 11 for a, b in itertools.pairwise(heights))


def test_a_curve_has_a_point_for_each_epoch_and_a_mark_at_the_kept_one():
    curve = Curve("run", [1, 2, 3], {"dev": [0.3, 0.5, 0.5]}, best=2)
    drawn = ET.fromstring(curve_figure([curve], "dev", "Dev"))
    pairs = [tuple(map(float, pair.split(","))) for pair in drawn.find(".//polyline").get("points").split()]
    mark = drawn.find(".//circle")
    assert len(pairs) == 3
    assert (float(mark.get("cx")), float(mark.get("cy"))) == pairs[1]
    assert pairs[0][1] > pairs[1][1] == pairs[2][1], "the y axis of an SVG points down"


@pytest.mark.parametrize(("number", "text"), [(0.25, "0.25"), (12.6, "13"), (317_814, "318 k"), (2.4e9, "2.4 G")])
def test_a_count_is_short(number, text):
    assert count(number) == text
