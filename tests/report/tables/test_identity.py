"""Identity: seeds and folds of different audio, labels or protocols are never averaged, and the table says so."""

from dataclasses import replace

import pytest

from emonet_bench import report
from tests.written import LABELS, clips


def table_of(results):
    return report.summarise(report.load(results.folder))


def rows(results):
    """Subtitles and seeds of each row's cells."""
    return {row.subtitle: [cell.seeds for cell in row.cells.values()] for row in table_of(results).rows}


def test_seeds_of_the_same_audio_are_averaged(results):
    for seed in (0, 1, 2):
        results.add(seed=seed, fingerprint="f" * 16)
    table = table_of(results)
    assert rows(results) == {"fixed": [3]}
    assert not any("apart" in note for note in table.notes)


@pytest.mark.parametrize(
    ("first", "second", "subtitles"),
    [
        ({"fingerprint": "a" * 16}, {"fingerprint": "b" * 16}, ["fixed audio aaaaaaaa", "fixed audio bbbbbbbb"]),
        ({"fingerprint": "a" * 16}, {}, ["fixed audio aaaaaaaa", "fixed audio unknown"]),
        ({"protocol_id": "aaaa"}, {"protocol_id": "bbbb"}, ["fixed aaaa", "fixed bbbb"]),
    ],
)
def test_what_differs_is_apart_and_a_note_says_so(results, first, second, subtitles):
    results.add(seed=0, right=0.9, **first)
    results.add(seed=1, right=0.3, **second)
    assert sorted(rows(results)) == subtitles
    assert all(seeds == [1] for seeds in rows(results).values())
    notes = [note for note in table_of(results).notes if "neither averaged nor compared" in note]
    assert len(notes) == 2
    assert all(subtitle in " ".join(notes) for subtitle in subtitles)


def test_runs_of_other_labels_are_apart_though_their_ids_agree(results):
    results.add(seed=0)
    results.add(seed=1)
    first, second = report.load(results.folder)
    more = replace(second, facts=second.facts.model_copy(update={"labels": [*LABELS, "fear"]}))
    subtitles = sorted(row.subtitle for row in report.summarise([first, more]).rows)
    assert subtitles == ["fixed labels anger, fear, joy, neutral", "fixed labels anger, joy, neutral"]


def test_a_newer_run_on_other_audio_supersedes_nothing(results):
    results.add(fingerprint="a" * 16, finished="2026-01-01T00:00:00Z")
    results.add(fingerprint="b" * 16, finished="2026-02-01T00:00:00Z")
    assert len(rows(results)) == 2
    assert not any("older" in note for note in table_of(results).notes)


def test_a_fold_of_other_audio_leaves_the_others_incomplete(results):
    for fold in range(3):
        mark = ("b" if fold == 2 else "a") * 16
        results.add(fold=fold, rows=clips(60, prefix=f"f{fold}-"), fingerprint=mark)
    cells = [cell for _, _, cell in table_of(results).cells()]
    assert [cell.complete for cell in cells] == [False, False]


def test_a_run_that_failed_before_it_knew_its_clips_joins_the_others(results):
    results.add(seed=0, fingerprint="a" * 16)
    results.add(seed=1, fingerprint="a" * 16)
    results.add(seed=2, fingerprint="b" * 16)
    results.add(seed=3, error="no memory")
    failed = {row.subtitle: [cell.failed for cell in row.cells.values()] for row in table_of(results).rows}
    assert failed == {"fixed audio aaaaaaaa": [1], "fixed audio bbbbbbbb": [0]}


def test_the_same_cell_on_other_audio_is_not_compared_with_the_baseline(results):
    results.add(strategy="scratch", right=0.3, fingerprint="a" * 16)
    results.add(strategy="finetune", right=0.9, fingerprint="b" * 16)
    assert [cell.against for _, _, cell in table_of(results).cells()] == [None, None]


def test_sources_of_the_same_name_and_other_audio_are_apart(results):
    for seed, mark in ((0, "a"), (1, "b")):
        source = f"{seed}" * 16
        results.add("source", seed=seed, run_id=source, fingerprint=mark * 16)
        results.add("target", strategy="finetune", seed=seed, source=source, fingerprint="c" * 16)
    row = next(row for row in table_of(results).rows if row.corpus == "target")
    assert sorted(column.tag for column in row.cells) == [
        "source=scratch on source audio aaaaaaaa",
        "source=scratch on source audio bbbbbbbb",
    ]


def test_zero_shot_scores_on_other_audio_are_apart(results):
    there = {"corpus": "target", "protocol": "fixed:two", "labels": {}}
    for seed, mark in ((0, "a"), (1, "b")):
        results.add("source", seed=seed, run_id=f"{seed}" * 16)
        results.add("source", seed=seed, source=f"{seed}" * 16, evaluate=there, fingerprint=mark * 16)
    (one,) = table_of(results).zero_shot
    assert [one.protocol(target) for target in one.targets] == ["fixed audio aaaaaaaa", "fixed audio bbbbbbbb"]
    assert [cell.seeds for cell in one.cells.values()] == [1, 1]


def test_the_fingerprint_stands_in_the_table_for_spreadsheets(results):
    results.add(fingerprint="a" * 16)
    head, row = report.render_csv(table_of(results)).splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=True))["fingerprint"] == "a" * 16
