"""Expressions of cards are held to be sound."""

import re

import pytest

from emonet_bench.data.cards.expressions import expression, of_path, part_of_path


def test_the_whole_of_a_path_is_matched_by_its_end():
    assert re.fullmatch(of_path(r"a(\d)"), "deep/er/a1")["_name"] == "a1"
    assert part_of_path(r"a(?P<label>\d)") == expression(r"a(?P<label>\d)")


@pytest.mark.parametrize("pattern", ["(", "a{99999999999}", "[[a]", "x" * 2_001])
def test_what_is_no_expression_is_refused(pattern):
    with pytest.raises(ValueError, match="not a regular expression"):
        expression(pattern)


def test_flags_for_the_whole_do_not_fit_a_part():
    with pytest.raises(ValueError, match=r"write \(\?i:\.\.\.\)"):
        part_of_path("(?i)a")
