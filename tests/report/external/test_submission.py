"""Submissions: what a challenge takes for clips whose truth it hides."""

from pathlib import Path

import pytest

from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.report.external.rows import ExternalRow
from emonet_bench.report.external.submission import find_challenge, submission
from emonet_bench.types import Challenge, Corpus, SplitRule, Target, Utterance

LABELS = ("anger", "joy")
VALUES = Target("mood", "values", ("arousal", "valence"), ((1, 7), (-1, 1)))
CLIPS = [Utterance("b", Path("x/b.wav"), None), Utterance("a", Path("y/a.wav"), None)]
CATEGORIES = Challenge("Task 1", "label", lambda: CLIPS, {"FileName": "file", "Class": "label"}, {"anger": "A"})
MOOD = Challenge("Task 2", "mood", lambda: CLIPS, {"File": "file", "Val": "valence", "Act": "arousal"})


def corpus(**challenges):
    return Corpus("mine", LABELS, list, {"own": SplitRule()}, targets=(VALUES,), challenges=challenges)


def test_labels_are_called_as_the_challenge_calls_them_in_the_order_of_files():
    rows = [ExternalRow(2, "b", "joy", None), ExternalRow(3, "a", "anger", (0.75, 0.25))]
    target = Target("label", "label", LABELS)
    assert submission(CATEGORIES, target, CLIPS, rows) == "FileName,Class\na.wav,A\nb.wav,joy\n"


def test_values_stand_in_the_challenges_columns_and_on_their_scale():
    rows = [ExternalRow(2, "b", None, (7.5, 0.1)), ExternalRow(3, "a", None, (2.0, -3.0))]
    assert submission(MOOD, VALUES, CLIPS, rows) == "File,Val,Act\na.wav,-1,2.0\nb.wav,0.1,7\n"


def test_probabilities_cannot_be_made_of_labels():
    wants = Challenge("Task 3", "label", lambda: CLIPS, {"FileName": "file", "A": "anger"})
    target = Target("label", "label", LABELS)
    with pytest.raises(CorpusError, match="line 2: Task 3 takes probabilities"):
        submission(wants, target, CLIPS[:1], [ExternalRow(2, "b", "joy", None)])


def test_a_challenge_is_found_by_its_name_or_as_the_only_one():
    assert find_challenge(corpus(one=CATEGORIES), None) is CATEGORIES
    assert find_challenge(corpus(one=CATEGORIES, two=MOOD), "two") is MOOD
    with pytest.raises(ConfigError, match="--challenge: name one of one, two"):
        find_challenge(corpus(one=CATEGORIES, two=MOOD), None)
    with pytest.raises(ConfigError, match="--challenge: mine has no 'tow'; did you mean 'two'"):
        find_challenge(corpus(one=CATEGORIES, two=MOOD), "tow")
    with pytest.raises(ConfigError, match="--challenge: mine has none"):
        find_challenge(corpus(), None)


def test_a_column_that_holds_nothing_known_is_refused_where_the_corpus_is_made():
    with pytest.raises(ConfigError, match="corpus mine: challenge one: a column holds 'arousal'; known: anger, file"):
        corpus(one=Challenge("Task", "label", list, {"x": "file", "y": "arousal"}))
