"""What lies behind a cell of a table."""

import pytest

from emonet_bench import report
from emonet_bench.report.details import SHOWN_RUNS, gather
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.history import Epoch
from tests.written import LABELS, Results, clips


def test_a_cell_shows_its_curves_speakers_and_records(tmp_path):
    run = Results(tmp_path).add(rows=clips(right=0.7))
    writer = RunFiles(run).history_writer()
    for number, uar in enumerate((0.3, 0.5, 0.4), 1):
        writer.write(Epoch(number, 1.0 / number, uar, 0.01, 1.0))
    (item,) = gather(report.summarise(report.load(tmp_path)))
    (curve,) = item.curves
    assert (curve.epochs, curve.values["dev"], curve.best) == ([1, 2, 3], [0.3, 0.5, 0.4], 2)
    assert [who.score for who in item.speakers] == sorted(who.score for who in item.speakers)
    assert item.labels == list(LABELS)
    assert sum(map(sum, item.confusion)) == 120
    assert item.runs[0][1] == RunFiles(run).read_record()


@pytest.mark.parametrize(
    "content", ["", "epoch,loss\n1,2\n", "epoch,loss,dev_uar,learning_rate,seconds\n1,nan,nan,nan,nan\n"]
)
def test_a_history_that_says_nothing_is_no_curve(tmp_path, content):
    run = Results(tmp_path).add()
    (run / "history.csv").write_text(content)
    (item,) = gather(report.summarise(report.load(tmp_path)))
    assert item.curves == []


def test_of_many_runs_some_are_listed_and_the_rest_counted(tmp_path):
    results = Results(tmp_path)
    for seed in range(SHOWN_RUNS + 3):
        results.add(seed=seed, rows=clips(count=12, right=0.7))
    (item,) = gather(report.summarise(report.load(tmp_path)))
    assert (len(item.runs), item.more) == (SHOWN_RUNS, 3)


def test_each_run_shows_the_metric_asked_for(tmp_path):
    Results(tmp_path).add(rows=clips(right=0.7))
    (item,) = gather(report.summarise(report.load(tmp_path), "kappa"))
    assert list(item.scores) == ["Kappa", "UAR", "Accuracy"]
    assert item.scores["Kappa"] == [item.cell.score]
    assert item.scores["UAR"] == [item.runs[0][0].scores["uar"]]
    (item,) = gather(report.summarise(report.load(tmp_path)))
    assert list(item.scores) == ["UAR", "Accuracy"]
