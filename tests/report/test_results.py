"""Results in Python: the frame, the table and the figure of a matrix's own cells."""

import math
from dataclasses import replace

import pytest

from emonet_bench import report
from emonet_bench.errors import StoreError
from emonet_bench.matrix.outcome import Outcome
from emonet_bench.report.results import load_results, results_of, to_export
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.store import RunStore
from tests.matrix.test_scheduler import cell
from tests.written import Results, finished


def test_the_frame_has_a_row_for_each_cell_of_the_table_and_misses_what_was_not_computed(tmp_path):
    written = Results(tmp_path)
    written.add(right=0.8)
    written.add(strategy="adapters", right=0.9)
    written.add(architecture="rnn", error="boom")
    found = load_results(tmp_path)
    frame = found.table("accuracy")
    cells = {
        (column.architecture, column.strategy): one.score for _, column, one in found.summarise("accuracy").cells()
    }
    assert len(frame) == 3
    for line in frame.itertuples():
        expected = cells[line.architecture, line.strategy]
        assert line.score == expected if expected is not None else math.isnan(line.score)


def test_the_summary_is_the_reports_table_and_made_once(tmp_path):
    Results(tmp_path).add(right=0.8)
    found = load_results(str(tmp_path))
    assert found.summary == report.summarise(report.load(tmp_path))
    assert found.summary is found.summary


def test_another_baseline_is_compared_with_where_asked_for(tmp_path):
    written = Results(tmp_path)
    written.add(right=0.3)
    written.add(strategy="adapters", right=0.9)
    found = load_results(tmp_path)
    gains = {base: found.table(baseline=base).set_index("strategy").difference for base in ("scratch", "adapters")}
    assert gains["scratch"]["adapters"] == -gains["adapters"]["scratch"] > 0
    assert math.isnan(gains["scratch"]["scratch"])


def test_what_a_plugin_says_of_each_run_is_a_frame(tmp_path):
    written = Results(tmp_path)
    written.add(right=0.8, extensions={"energy": {"joules": 12.5, "seed": "another"}}, schema_version=2)
    written.add(seed=1, extensions={"energy": {"parts": {"gpu": 1}}, "tracker": {"id": "x"}}, schema_version=2)
    written.add(seed=2)
    frame = load_results(tmp_path).extensions("energy").set_index("seed")  # the run's own, not the plugin's
    assert frame.index.tolist() == [0, 1]
    assert frame.joules[0] == 12.5
    assert math.isnan(frame.joules[1])
    assert frame.parts[1] == {"gpu": 1}
    assert frame.corpus.tolist() == ["emo", "emo"]
    assert load_results(tmp_path).extensions("nobody").empty


def test_the_figure_has_a_dot_for_each_score(tmp_path):
    Results(tmp_path).add(right=0.8)
    assert load_results(tmp_path).figure().svg.count("<circle") == 1


def test_a_directory_that_is_none_is_one_line(tmp_path):
    with pytest.raises(StoreError, match="no such directory"):
        load_results(tmp_path / "absent")


def matrix(root, *, files):
    """A cell that finished, one that failed without a record, one that was skipped, and a source nobody asked for."""
    done, lost, left_out = cell("done"), cell("lost"), cell("skipped", skip="no source")
    outcome = Outcome(failures=[(lost, "BrokenProcessPool: a worker died")], skips=[(left_out, "no source")])
    path = RunStore(root).path(done.spec, done.run_id)
    path.mkdir(parents=True)
    RunFiles(path).write_record(finished(done))
    for name in files:
        (path / name).touch()
    return path, results_of([done, lost, left_out], outcome, root)


def test_a_matrix_has_its_own_cells_and_says_what_was_skipped_and_lost(tmp_path):
    Results(tmp_path).add("stranger")
    _, found = matrix(tmp_path, files=())
    assert [(record.corpus, record.state) for record in found.records] == [("done", "done"), ("skipped", "skipped")]
    assert found.lost == ["failed: lost a s s0: BrokenProcessPool: a worker died"]


def test_a_failure_that_left_a_record_is_told_by_it_alone(tmp_path):
    failed = cell("failed")
    path = RunStore(tmp_path).path(failed.spec, failed.run_id)
    path.mkdir(parents=True)
    error = RunError(type="TrainingError", message="loss is nan")
    RunFiles(path).write_record(finished(failed, error=error))
    found = results_of([failed], Outcome(failures=[(failed, "TrainingError: loss is nan")]), tmp_path)
    assert [record.reason for record in found.records] == ["TrainingError: loss is nan"]
    assert found.lost == []


@pytest.mark.parametrize(
    ("files", "exportable"),
    [(("model.safetensors", "predictions.csv"), True), (("predictions.csv",), False), (("model.safetensors",), False)],
)
def test_only_a_run_with_weights_and_predictions_is_exportable(tmp_path, files, exportable):
    path, found = matrix(tmp_path, files=files)
    assert found.exportable == ([path] if exportable else [])


def test_the_row_that_is_best_on_dev_is_exported_first_whatever_a_single_fold_says(tmp_path):
    written = Results(tmp_path)
    dev = {("cnn", 0): 0.9, ("cnn", 1): 0.1, ("svm", 0): 0.6, ("svm", 1): 0.7}
    paths = {
        key: written.add(architecture=key[0], fold=key[1], scores={"dev": {"uar": value}, "test": {"uar": 1 - value}})
        for key, value in dev.items()
    }
    other = written.add(corpus="other", architecture="knn", scores={"dev": {"uar": 1.0}, "test": {"uar": 0.5}})
    found = replace(load_results(tmp_path), exportable=[*paths.values(), other])
    assert to_export(found) == paths["svm", 0]
    assert to_export(replace(found, records=[])) == paths["cnn", 0]
    assert to_export(replace(found, exportable=[])) is None
