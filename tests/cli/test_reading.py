"""Progress bars while corpora are read: one for each corpus, and nothing where nobody looks."""

from __future__ import annotations

import io

from rich.console import Console

from emonet_bench.cli.reading import Reading


def drawn(*steps, terminal=True):
    told = io.StringIO()
    with Reading(Console(file=told, force_terminal=terminal, width=80)) as reading:
        for step in steps:
            reading(*step)
    return told.getvalue()


def test_each_corpus_has_a_bar_of_its_own():
    told = drawn(("one", 1, 2), ("two", 1, 4), ("one", 2, 2))
    assert "reading one" in told
    assert "reading two" in told
    assert "100%" in told
    assert " 25%" in told


def test_a_console_that_is_no_terminal_gets_nothing():
    assert drawn(("one", 1, 2), terminal=False).strip() == ""


def test_bars_are_gone_at_the_end():
    told = drawn(("one", 2, 2))
    assert told.rindex("\x1b[2K") > told.rindex("reading one"), "the line is erased after it was last drawn"
