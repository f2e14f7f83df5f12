"""Coverage of external predictions: every test clip once, nothing else, and a template that says so."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.report.external.coverage import covered, scored_clips, target_truth, template
from emonet_bench.report.external.rows import ExternalRow
from emonet_bench.types import Target

FILE = Path("preds.csv")


def rows_of(names):
    return [ExternalRow(place + 2, name, "joy", None) for place, name in enumerate(names)]


def test_every_clip_is_tested_once_over_all_folds(opened):
    clips = scored_clips(opened, None)
    assert sorted(clips) == [0, 1, 2, 3, 4]
    assert sorted(clip.name for each in clips.values() for clip in each) == sorted(f"{n}.wav" for n in range(40))
    assert scored_clips(opened, 3) == {3: clips[3]}
    with pytest.raises(ConfigError, match="fold 9"):
        scored_clips(opened, 9)


def test_predictions_are_put_in_the_order_of_the_protocol(opened):
    clips = scored_clips(opened, None)
    ordered = covered(FILE, rows_of([f"{n}.wav" for n in reversed(range(40))]), clips, "theirs")
    assert {fold: [row.utterance for row in each] for fold, each in ordered.items()} == {
        fold: [clip.name for clip in each] for fold, each in clips.items()
    }


def test_missing_unknown_and_other_clips_are_named(opened):
    clips = scored_clips(opened, 0)
    names = [clip.name for clip in clips[0]]
    with pytest.raises(
        CorpusError, match=rf"preds\.csv: no prediction of 1 of {len(names)} test clips, first {names[2]}"
    ):
        covered(FILE, rows_of(names[:2] + names[3:]), clips, "theirs")
    with pytest.raises(CorpusError, match=r"line 3: nobody\.wav is no clip of theirs under folds5"):
        covered(FILE, rows_of([names[0], "nobody.wav"]), clips, "theirs under folds5")
    other = scored_clips(opened, 1)[1][0].name
    with pytest.raises(CorpusError, match=rf"line 2: {other} is no test clip of theirs"):
        covered(FILE, rows_of([other, *names]), clips, "theirs", [other, *names])


def test_the_template_lists_clips_and_files_and_no_truth(opened, folder):
    clips = scored_clips(opened, None)
    table = list(csv.DictReader(io.StringIO(template(clips, opened.target))))
    assert [row["utterance"] for row in table] == [clip.name for each in clips.values() for clip in each]
    assert all(Path(row["file"]) == folder / row["utterance"] for row in table)
    assert {row["fold"] for row in table} == set("01234")
    assert {row[name] for row in table for name in ("label", "probability:anger", "probability:joy")} == {""}
    assert "start" not in table[0]


def test_the_template_of_stretches_says_where_they_lie(opened):
    clip = replace(opened.utterances[0], start=1.5, end=2.0)
    (row,) = csv.DictReader(io.StringIO(template({None: [clip]}, Target("label", "label", ("a", "b")))))
    assert (row["start"], row["end"]) == ("1.5", "2.0")
    assert "fold" not in row


@pytest.mark.parametrize(
    ("protocol", "titles"),
    [
        ("folds5-votes", ["probability:anger", "probability:joy"]),
        ("folds5-labels", ["score:loud", "score:fast", "score:high"]),
        ("folds5-values", ["value:arousal", "value:valence"]),
    ],
)
def test_the_template_of_another_target_asks_for_its_numbers(open_told, protocol, titles):
    opened = open_told(protocol)
    text = template(scored_clips(opened, None), opened.target)
    assert text.splitlines()[0].split(",") == ["utterance", "fold", "file", *titles]
    assert all(line.endswith("," * len(titles)) for line in text.splitlines()[1:])


def test_the_truth_of_values_stands_as_in_the_corpus(open_told):
    opened = open_told("folds5-values")
    told = target_truth(opened, scored_clips(opened, 2))
    assert told == {clip.name: (clip.values["arousal"], clip.values["valence"]) for clip in scored_clips(opened, 2)[2]}
