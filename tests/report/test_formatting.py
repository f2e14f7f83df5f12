"""Formatting: numbers as papers write them."""

import pytest

from emonet_bench import report
from emonet_bench.metrics.significance import Interval
from emonet_bench.report import formatting
from emonet_bench.report.tables.cells import TableCell
from tests.written import Results


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (0, "0"), (999, "999"), (999.6, "1 k"), (1000, "1 k"), (4321, "4.32 k"), (999_499, "999 k"),
        (999_950, "1 M"), (94_000_000, "94 M"), (999_999_999, "1 G"), (1.5e9, "1.5 G"),
    ],
)  # fmt: skip
def test_counts_have_three_digits_and_no_exponent(value, text):
    assert formatting.count(value) == text


def test_a_score_has_no_zero_before_its_point():
    assert [formatting.number(value) for value in (0.8125, 1.0, 0.0)] == [".812", "1.000", ".000"]
    assert formatting.number(0.256, 2) == ".26"


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.016, "-.016"), (-0.0004, ".000"), (-0.0, ".000"), (-1.5, "-1.500"), (10.25, "10.250"), (-20.5, "-20.500")],
)
def test_a_score_below_zero_or_above_ten_keeps_its_digits_and_zero_has_no_sign(value, text):
    assert formatting.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.07, "+.070"), (-0.016, "-.016"), (0.0, "+.000"), (-0.0004, "+.000"), (10.25, "+10.250"), (-20.5, "-20.500")],
)
def test_a_gain_keeps_all_its_digits(value, text):
    assert formatting.gain(value) == text.replace("-", "\N{MINUS SIGN}")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "~.812"),
        ({"complete": True}, ".812"),
        ({"complete": True, "deviation": 0.0141}, ".812 ±.014"),
        ({"complete": True, "p": 0.049, "halved": True}, ".812*†"),
        ({"complete": True, "p": 0.05}, ".812"),
    ],
)
def test_marks_of_a_score_say_incomplete_significant_and_halved(changes, text):
    assert formatting.score(TableCell("done", score=0.8121, **changes)) == text


def test_an_interval_has_two_digits_and_is_empty_where_there_is_none():
    cell = TableCell("done", score=0.8, interval=Interval(0.671, 1.0, "speakers", 8))
    assert formatting.interval(cell) == f".67{formatting.TO}1.00"
    assert formatting.interval(TableCell("done", score=0.8)) == ""


def test_heads_are_worded_by_corpus_and_protocol(tmp_path):
    Results(tmp_path).add(synthetic=True)
    table = report.summarise(report.load(tmp_path), "macro_f1")
    assert formatting.words((table.rows[0], "cnn")) == ["emo (synthetic), fixed", "cnn"]
    assert formatting.title(table) == "Macro F1 on test"
