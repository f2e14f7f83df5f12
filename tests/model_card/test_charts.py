"""Charts: what is higher stands higher, and titles are escaped."""

import re
from xml.etree import ElementTree as ET

from emonet_bench.model_card.charts import Mark, chart


def test_points_stand_where_their_values_are():
    root = ET.fromstring(chart("curve", "dB", [Mark(0, 0.2), Mark(10, 0.9, 0.8, 1.0), Mark(20, 0.5)]))
    circles = [(float(one.get("cx")), float(one.get("cy"))) for one in root.iter("circle")]
    assert circles == sorted(circles)
    heights = [y for _, y in circles]
    assert heights[0] > heights[2] > heights[1]  # y grows downwards
    (whisker,) = [one for one in root.iter("line") if one.get("class") == "whisker"]
    assert float(whisker.get("y2")) < heights[1] < float(whisker.get("y1"))


def test_a_diagonal_goes_from_corner_to_corner_and_a_single_point_is_drawn():
    root = ET.fromstring(chart("reliability", "confidence", [Mark(0.5, 0.5)], diagonal=True))
    (line,) = [one for one in root.iter("line") if one.get("class") == "reference"]
    (circle,) = root.iter("circle")
    assert float(circle.get("cx")) == (float(line.get("x1")) + float(line.get("x2"))) / 2
    assert float(circle.get("cy")) == (float(line.get("y1")) + float(line.get("y2"))) / 2


def test_titles_are_escaped():
    assert not re.search("<b>", chart("<b>", "<b>", [Mark(0, 0, title="<b>")]))
