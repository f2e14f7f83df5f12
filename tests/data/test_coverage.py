import pickle
from pathlib import Path

import pytest

from emonet_bench.data.coverage import Coverage, Listing, coverage
from emonet_bench.types import Corpus, SplitRule, Utterance

CLIPS = [Utterance(f"{n}", Path(f"{n}.wav"), "ab"[n % 2], speaker="s" if n else None) for n in range(4)]


def corpus(clips=None):
    return Corpus("mine", ("a", "b"), lambda: CLIPS, {"own": SplitRule()}, clips=clips)


def test_any_sequence_can_be_counted_and_a_listing_tells_more():
    assert coverage(corpus(), tuple(CLIPS)) == Coverage(4, speakers_unknown=1)
    listing = Listing(CLIPS, ["x.wav"], ["t.csv:1", "t.csv:2"])
    assert listing == CLIPS
    assert coverage(corpus(5), listing) == Coverage(4, 5, 1, 2, 1)
    assert coverage(corpus(5), pickle.loads(pickle.dumps(listing))) == Coverage(4, 5, 1, 2, 1)


@pytest.mark.parametrize(
    ("known", "complete"),
    [
        (Coverage(3), True),
        (Coverage(3, unmatched_files=1), False),
        (Coverage(3, unmatched_rows=1), False),
        (Coverage(3, expected=4), False),
        (Coverage(3, expected=3, unmatched_files=9, unmatched_rows=9), True),  # what else lies there is no clip of it
        (Coverage(5, expected=4), True),
        (Coverage(5, expected=4, unmatched_files=1), False),
        (Coverage(3, speakers_unknown=3), True),  # every clip is there; the audit says what that means
    ],
)
def test_a_corpus_is_complete_where_nothing_is_missing(known, complete):
    assert known.complete == complete


def test_it_is_told_in_one_line_and_in_a_record():
    known = Coverage(12, 535, 1, 2, 3)
    assert str(known) == "12 of 535 clips, 1 files unmatched, 2 rows unmatched, 3 speakers unknown"
    assert str(Coverage(12)) == "12 clips"
    assert known.facts() == {
        "found": 12,
        "expected": 535,
        "unmatched_files": 1,
        "unmatched_rows": 2,
        "speakers_unknown": 3,
    }
