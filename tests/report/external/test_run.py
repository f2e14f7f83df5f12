"""External predictions as rows: marked in the table, verified as far as they can be, never taken for a network."""

import json

import pytest
from click.testing import CliRunner

from emonet_bench import report, score_predictions
from emonet_bench.cli import main
from emonet_bench.report.checking.verification import verify
from emonet_bench.runs import telemetry
from emonet_bench.runs.files import RunFiles
from tests.report.external.conftest import add_runs


@pytest.fixture
def kept(together, tmp_path, selection):
    scored = score_predictions(together, "theirs", name="outsider", plugins=selection, results=tmp_path / "kept")
    return scored, tmp_path / "kept"


def test_they_become_a_row_with_the_same_figures_and_a_note(kept, runs, opened):
    scored, results = kept
    add_runs(results, opened)
    table = report.summarise(report.load(results))
    assert len(table.rows) == 1, "they share a row with the runs"
    cells = {str(column): cell for _, column, cell in table.cells()}
    outsider = cells["outsider external"]
    assert (outsider.score, outsider.interval) == (scored.scores["uar"], scored.intervals["uar"])
    assert outsider.score == cells["net scratch"].score
    assert (outsider.external, outsider.complete, cells["net scratch"].external) == (True, True, False)
    assert [note for note in table.notes if note.startswith("External")] == [
        "External, made elsewhere and scored here; nobody can train them again: outsider external."
    ]


def test_they_are_compared_with_others_and_not_with_themselves(kept, together, selection, opened):
    _, results = kept
    add_runs(results, opened)
    again = score_predictions(together, "theirs", name="outsider", plugins=selection, against=results)
    assert [rival.column.architecture for rival in again.rivals] == ["net"]


def test_their_scores_are_verified_and_an_altered_file_is_seen(kept):
    _, results = kept
    paths = sorted(results.glob("*-external-*"))
    assert [verify(path).problems for path in paths] == [[]] * 5
    assert all(verify(path).external for path in paths)
    done = CliRunner().invoke(main, ["verify", str(results)])
    assert "5 hold predictions made elsewhere" in done.output
    file = RunFiles(paths[0]).predictions()
    file.write_text(file.read_text().replace("joy", "fear"))
    assert verify(paths[0]).problems


def test_the_record_says_what_it_is(kept):
    _, results = kept
    record = RunFiles(next(results.glob("*-f0-*"))).read_record()
    assert record.spec.external is not None
    assert record.spec.external.gives == "probabilities"
    assert set(record.scores) == {"test"}
    assert (record.parameters, record.spec.fold) == (None, 0)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["export", "RUN", "-o", "model.onnx"], "holds predictions made elsewhere; there is no network"),
        (["reproduce", "RUN"], "its predictions were made elsewhere"),
    ],
)
def test_there_is_no_network_to_export_or_to_train_again(kept, tmp_path, command, message):
    _, results = kept
    run = str(next(results.glob("*-f0-*")))
    done = CliRunner().invoke(main, [run if word == "RUN" else word for word in command])
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_labels_alone_have_no_calibration_error_in_the_table_either(tmp_path, opened, selection):
    file = tmp_path / "labels.csv"
    file.write_text("\n".join(["utterance,label", *(f"{clip.name},{clip.label}" for clip in opened.utterances)]))
    score_predictions(file, "theirs", name="sure", plugins=selection, results=tmp_path / "kept")
    records = report.load(tmp_path / "kept")
    ((_, _, cell),) = report.summarise(records).cells()
    assert (cell.score, cell.ece) == (1.0, None)
    ((_, _, cell),) = report.summarise(records, "ece").cells()
    assert (cell.state, cell.score) == ("skipped", None)


def test_what_is_kept_again_replaces_itself_and_of_one_name_the_later_counts(kept, together, selection, monkeypatch):
    _, results = kept
    score_predictions(together, "theirs", name="outsider", plugins=selection, results=results)
    assert len(list(results.glob("*-external-*"))) == 5
    lines = together.read_text().splitlines()
    together.write_text("\n".join(["utterance,label", *(f"{line.split(',')[0]},joy" for line in lines[1:])]))
    monkeypatch.setattr(telemetry, "utc", lambda _: "2999-01-01T00:00:00Z")
    score_predictions(together, "theirs", name="outsider", plugins=selection, results=results)
    table = report.summarise(report.load(results))
    ((_, _, cell),) = table.cells()
    assert cell.score == pytest.approx(1 / 3)
    assert "5 older runs of the same cells are left out." in table.notes
    assert json.loads((next(results.glob("*-f0-*")) / "result.json").read_text())["spec"]["strategy"] == "external"
