import pytest

from emonet_bench.audit import gaps, verdict
from emonet_bench.data.coverage import Coverage, Listing
from emonet_bench.types import SplitRule

OWN = SplitRule()


def levels(known, rule=OWN):
    return {(finding.check, finding.level) for finding in gaps(known, rule)}


def test_nothing_is_missing_where_all_is_there():
    assert levels(Coverage(12)) == levels(Coverage(12, expected=12)) == set()


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (Coverage(11, expected=12), {("counts", "unknown")}),
        (Coverage(13, expected=12), {("counts", "warning")}),
        (Coverage(12, unmatched_files=2), {("files", "unknown")}),
        (Coverage(12, unmatched_rows=2), {("rows", "unknown")}),
        (Coverage(12, expected=12, unmatched_files=1, unmatched_rows=1), {("files", "note"), ("rows", "note")}),
        (Coverage(12, speakers_unknown=12), {("speakers", "unknown")}),
        (Coverage(12, speakers_unknown=1), {("speakers", "unknown")}),
    ],
)
def test_each_gap_is_told(known, expected):
    assert levels(known) == expected


@pytest.mark.parametrize(
    ("rule", "unknown", "level"),
    [
        (SplitRule("session", folds=5), 12, "note"),  # sounds have no speakers; their recordings are kept apart
        (SplitRule("session", folds=5), 3, "unknown"),
        (SplitRule("text", folds=5), 12, "note"),
        (SplitRule("text"), 12, "unknown"),  # the corpus's own partitions
        (SplitRule("speaker", folds=5), 3, "unknown"),
    ],
)
def test_unknown_speakers_are_a_note_only_where_something_else_is_kept_apart(rule, unknown, level):
    assert levels(Coverage(12, speakers_unknown=unknown), rule) == {("speakers", level)}


def test_what_was_passed_over_is_named():
    listing = Listing([], [f"{n}.wav" for n in range(9)], ["t.csv:7"])
    files, rows = gaps(Coverage(0, None, 9, 1), SplitRule(), listing)
    assert files.clips == ("0.wav", "1.wav", "2.wav", "3.wav", "4.wav")
    assert rows.clips == ("t.csv:7",)
    assert verdict([files, rows]) == "incomplete"
