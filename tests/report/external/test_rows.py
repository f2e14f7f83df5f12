"""Rows of external predictions: one clip's prediction, held against its target."""

import pytest

from emonet_bench.errors import CorpusError
from emonet_bench.report.external.rows import prefix, read_row
from emonet_bench.types import Target

LABEL = Target("label", "label", ("fear", "joy"))
VALUES = Target("mood", "values", ("arousal",), ((0, 1),))


def test_columns_are_titled_as_in_a_runs_predictions():
    assert (prefix(LABEL), prefix(VALUES)) == ("probability:", "value:")
    assert prefix(Target("heard", "label-set", ("fear", "joy"))) == "score:"


def test_a_label_is_made_of_probabilities_and_a_value_stands_for_itself():
    row = read_row("f: line 2", 2, {"utterance": "a", "probability:fear": "0.25", "probability:joy": "0.75"}, LABEL)
    assert (row.line, row.utterance, row.label, row.numbers) == (2, "a", "joy", (0.25, 0.75))
    row = read_row("f: line 3", 3, {"utterance": "a", "value:arousal": 1.5}, VALUES)
    assert (row.label, row.numbers) == (None, (1.5,))


def test_a_row_without_its_clip_is_refused():
    with pytest.raises(CorpusError, match=r"^f: line 2: no utterance; name the clip$"):
        read_row("f: line 2", 2, {"value:arousal": 1.5}, VALUES)
