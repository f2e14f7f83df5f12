"""Notebook figure: an SVG that is read back, with a dot for each score."""

import xml.etree.ElementTree as ET

import pytest

from emonet_bench import report
from emonet_bench.report.notebook import score_figure
from tests.written import Results


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "results")


def drawn(results, metric="uar"):
    figure = score_figure(report.summarise(report.load(results.folder), metric))
    return ET.fromstring(figure.svg)


def classed(picture, name):
    return [line for line in picture.findall(".//{*}line") if line.get("class") == name]


def test_dots_stand_where_their_scores_are_between_the_ends_of_the_axis(results):
    results.add(right=0.2)
    results.add(strategy="adapters", right=1.0)
    picture = drawn(results)
    ticks = [float(line.get("x1")) for line in picture.findall(".//{*}line") if line.get("class") is None]
    zero, one = min(ticks), max(ticks)
    table = report.summarise(report.load(results.folder))
    expected = [zero + cell.score * (one - zero) for _, _, cell in table.cells()]
    assert [float(dot.get("cx")) for dot in picture.findall(".//{*}circle")] == pytest.approx(expected, abs=0.06)
    assert len(classed(picture, "interval")) == 2


def test_chance_is_drawn_for_recall_where_it_is_one_number(results):
    results.add(right=0.7)
    assert len(classed(drawn(results), "chance")) == 1
    assert classed(drawn(results, "accuracy"), "chance") == []
    results.add("other", labels=["anger", "fear", "joy", "neutral"], error="boom")
    assert len(classed(drawn(results), "chance")) == 1, "what failed has no chance"


def test_a_cell_without_a_score_is_left_out_and_nothing_at_all_is_still_a_figure(results):
    results.add(error="boom")
    picture = drawn(results)
    assert list(picture.findall(".//{*}circle")) == []
    assert classed(picture, "chance") == []


def test_long_names_make_the_figure_wider_and_leave_the_axis_as_it_runs(results):
    results.add(architecture="a" * 90, strategy="s" * 60, right=0.7)
    picture = drawn(results)
    ticks = [float(line.get("x1")) for line in picture.findall(".//{*}line") if line.get("class") is None]
    assert ticks == sorted(ticks)
    assert ticks[0] > 150 * 6, "right of the name"
    assert float(picture.get("width")) > ticks[-1]
    assert picture.get("viewBox").split()[2] == picture.get("width")


def test_names_are_text_and_no_markup(results):
    results.add(right=0.7, options={"layers": "<script>"})
    results.add(right=0.7, options={"layers": "&amp;"})
    names = [text.text for text in drawn(results).findall(".//{*}text") if "layers" in text.text]
    assert names == ["emo cnn scratch layers=&amp;", "emo cnn scratch layers=<script>"]


def test_it_is_saved_as_it_is_shown_and_not_where_there_is_no_folder(results, tmp_path):
    results.add(right=0.7)
    figure = score_figure(report.summarise(report.load(results.folder)))
    figure.save(tmp_path / "scores.svg")
    assert (tmp_path / "scores.svg").read_text(encoding="utf-8") == figure.svg
    with pytest.raises(FileNotFoundError):
        figure.save(tmp_path / "absent" / "scores.svg")
