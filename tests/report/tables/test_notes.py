"""Notes below a table: what a reader must know before believing it."""

from types import SimpleNamespace

import pytest

from emonet_bench import report
from emonet_bench.report import formatting
from emonet_bench.report.tables.notes import across_notes, notes, problems
from tests.written import clips


def notes_of(results, **options):
    return report.summarise(report.load(results.folder), **options).notes


def test_a_leak_that_the_audit_found_is_said_below_the_table(results):
    results.add(right=0.7, audit="clean")
    results.add(strategy="adapters", right=0.7, audit="leaking", skipped_files=3)
    results.add(corpus="other", right=0.7)
    table = report.summarise(report.load(results.folder))
    assert [(row.audit, row.skipped_files) for row in table.rows] == [("leaking", 3), (None, 0)]
    assert any(note.startswith("emo: partitions leak") for note in table.notes)
    assert "emo: 3 broken files were left out." in table.notes


def test_clips_are_drawn_and_said_so_where_speakers_are_unknown(results):
    results.add(rows=clips(speakers=0, right=0.7))
    table = report.summarise(report.load(results.folder))
    ((row, _, cell),) = table.cells()
    assert (cell.interval.unit, cell.interval.units, row.speakers) == ("clips", 120, 0)
    assert any("speakers are unknown" in note for note in table.notes)


def test_the_parity_of_exported_models_is_told(results):
    own = 0.5  # as the records say
    results.add(right=0.7, onnx={"max_delta": 1e-6, "uar": own})
    results.add(seed=1, right=0.7, onnx={"max_delta": 3e-6, "uar": own - 0.004})
    table = report.summarise(report.load(results.folder))
    assert (
        "ONNX: logits of the exported models agree with the trained networks' within 3e-06, UAR on test through "
        "onnxruntime within 0.004." in table.notes
    )
    assert [cell.parity for _, _, cell in table.cells()] == [3e-6]


def test_a_run_that_could_not_be_exported_says_why(results):
    results.add(right=0.7, onnx={"error": "not written: an operator is missing"})
    table = report.summarise(report.load(results.folder))
    (problem,) = table.problems
    assert problem.startswith("not exported: ")
    assert problem.endswith(" s0: not written: an operator is missing")


def test_an_interval_from_few_speakers_says_so(results):
    results.add(rows=clips(speakers=4, right=0.7))
    assert any("few speakers (4 at the least)" in note for note in notes_of(results))
    results.add(strategy="adapters", rows=clips(speakers=5, right=0.7))
    assert any("4 at the least" in note for note in notes_of(results)), "the fewest count"


def test_five_speakers_are_not_called_few(results):
    results.add(rows=clips(speakers=5, right=0.7))
    assert not any("few speakers" in note for note in notes_of(results))


def test_where_every_run_failed_no_seeds_are_spoken_of(results):
    results.add(error="boom")
    assert not any("seed" in note for metric in ("uar", "ece") for note in notes_of(results, metric=metric))


@pytest.mark.parametrize(
    ("older", "sources", "expected"),
    [
        (1, 1, ["1 older run of the same cell is left out.", "1 joint run that only served as a source is left out."]),
        (2, 3, ["2 older runs of the same cells are left out.", "3 joint runs that only served as sources are left out."]),
        (0, 0, []),
    ],
)  # fmt: skip
def test_what_was_left_out_is_counted(older, sources, expected):
    assert list(notes([], report.wanted_metric("uar"), "scratch", older, sources)) == expected


def test_clips_that_a_source_was_trained_on_are_told_by_the_largest_count(results):
    for place, shared in enumerate((5, 2)):
        there = {"corpus": "there", "protocol": f"p{place}:two", "labels": {}}
        results.add(evaluate=there, source="1" * 16, shared_clips=shared)
    table = report.summarise(report.load(results.folder))
    (told,) = [note for note in across_notes(table.zero_shot) if "were trained on" in note]
    assert told.startswith("Zero-shot from emo fixed to there: 5 of the clips")


def test_clips_that_were_heard_by_way_of_a_source_are_told_and_the_cell_is_neither_ranked_nor_compared(results):
    results.add(right=0.5, fold=0)
    results.add(architecture="svm", right=0.6, fold=0)
    results.add(strategy="finetune", right=0.99, fold=0, shared_clips=84)
    table = report.summarise(report.load(results.folder))
    cells = {str(column): cell for _, column, cell in table.cells()}
    assert [name for name, cell in cells.items() if cell.best] == ["svm scratch"]
    assert cells["cnn finetune"].against is None
    assert formatting.score(cells["cnn finetune"]).endswith("‡")
    told = (
        "‡ cnn finetune on emo: 84 of 120 test clips were heard in training, by way of its source or of another corpus"
    )
    assert any(note.startswith(told) for note in table.notes)


def test_folds_and_seeds_that_are_skipped_for_one_reason_are_one_line():
    folds = [
        SimpleNamespace(state="skipped", title=f"emo svm lora s0 f{fold}", reason="no layers") for fold in range(3)
    ]
    other = SimpleNamespace(state="skipped", title="emo svm lora s1 f0", reason="no source")
    group = SimpleNamespace(problems=(), untold=(), runs=[])
    group.runs = [SimpleNamespace(**vars(run), halved="", not_alone="", not_exported="") for run in (*folds, other)]
    assert list(problems([group])) == [
        "skipped: emo svm lora s0 f0 and 2 more: no layers",
        "skipped: emo svm lora s1 f0: no source",
    ]


def test_halved_batches_are_told_with_their_run(results):
    results.add(right=0.7, notes={"halved_batch": "in 2 pieces"})
    table = report.summarise(report.load(results.folder))
    assert list(problems(table.groups[0].values())) == ["† halved batch: emo cnn scratch s0: in 2 pieces"]


def test_a_network_that_mixes_clips_is_told_with_its_run(results):
    results.add(right=0.7, notes={"not_alone": "a is predicted otherwise"})
    table = report.summarise(report.load(results.folder))
    told = "not to be relied on: emo cnn scratch s0: a is predicted otherwise"
    assert list(problems(table.groups[0].values())) == [told]


def test_who_taught_a_network_is_told_in_one_line(results):
    for fold in (0, 1):
        teacher = f"{fold:08x}" + 8 * "f"
        results.add(architecture="svm", fold=fold, run_id=teacher)
        results.add(
            strategy="distill",
            fold=fold,
            source=teacher,
            notes={"teacher": "svm scratch, a run on the same training clips"},
        )
    told = [note for note in notes_of(results) if "taught" in note]
    assert told == ["cnn distill: taught by svm scratch, a run on the same training clips."]
    ((cell, _),) = [(cell, column) for _, column, cell in report_cells(results) if column.strategy == "distill"]
    assert cell.source == "svm scratch on emo"


def report_cells(results):
    return report.summarise(report.load(results.folder)).cells()
