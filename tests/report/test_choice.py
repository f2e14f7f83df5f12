"""The metric of a report: any that is registered, marked by its direction, and refused where it does not fit."""

import numpy as np
import pytest

from emonet_bench import report
from emonet_bench.errors import ConfigError
from tests.written import LABELS, Results, clips

sklearn = pytest.importorskip("sklearn.metrics")


@pytest.fixture
def results(tmp_path):
    written = Results(tmp_path / "results")
    for strategy, right in (("scratch", 0.3), ("adapters", 0.9)):
        written.add(strategy=strategy, rows=clips(right=right))
    return written


def cells(results, metric):
    table = report.summarise(report.load(results.folder), metric)
    return table, {column.strategy: cell for column, cell in table.rows[0].cells.items()}


@pytest.mark.parametrize(
    ("metric", "oracle", "title"),
    [
        ("kappa", sklearn.cohen_kappa_score, "Kappa"),
        ("weighted_f1", lambda t, p: sklearn.f1_score(t, p, average="weighted"), "Weighted F1"),
        ("uar:joy", lambda t, p: sklearn.recall_score(t, p, labels=["joy"], average="macro"), "Recall of joy"),
        ("macro_f1:joy", lambda t, p: sklearn.f1_score(t, p, labels=["joy"], average="macro"), "F1 of joy"),
    ],
)
def test_any_metric_is_shown_with_its_interval_and_its_test(results, metric, oracle, title):
    table, found = cells(results, metric)
    rows = clips(right=0.9)
    expected = oracle([row[2] for row in rows], [row[3] for row in rows])
    best = found["adapters"]
    assert best.score == pytest.approx(expected)
    assert best.interval.low < best.score < best.interval.high
    assert best.against.difference == pytest.approx(best.score - found["scratch"].score)
    assert (best.best, found["scratch"].best, best.significant) == (True, False, True)
    assert "adapters against scratch: 1 better, 0 worse, 0 undecided." in table.notes
    for render in (report.render_markdown, report.render_latex, report.render_csv, report.render_json):
        render(table)
    assert report.render_json(table).count(f'"{metric}"') == 3
    assert any(note.startswith(f"{title} on test of a single seed") for note in table.notes)


def test_a_plugins_metric_of_which_less_is_better_is_shown_so(results, tmp_path, monkeypatch):
    plugin = tmp_path / "errors_plugin.py"
    plugin.write_text(
        "from emonet_bench import hookimpl\nfrom emonet_bench.types import Metric\n"
        "@hookimpl\ndef emonet_metrics():\n"
        "    compute = lambda truth, given: (given.argmax(1) != truth).mean()\n"
        "    return [Metric('errors', ('label',), compute, higher_is_better=False, title='Errors')]\n"
    )
    from emonet_bench.plugins.loading import Plugins, Selection

    choice = report.wanted_metric("errors", Plugins(Selection(files=(plugin,)), corpora=False))
    table = report.summarise(report.load(results.folder), choice)
    found = {column.strategy: cell for column, cell in table.rows[0].cells.items()}
    assert found["adapters"].score < found["scratch"].score
    assert found["adapters"].best
    assert "adapters against scratch: 1 better, 0 worse, 0 undecided." in table.notes
    assert any("less is better" in note for note in table.notes)


def test_a_metric_that_fits_nothing_is_one_line(results):
    with pytest.raises(ConfigError, match="--metric emo, fixed: ccc is a metric of values, not of single labels"):
        cells(results, "ccc")
    with pytest.raises(ConfigError, match="--metric emo, fixed: uar:fear: there is no 'fear'"):
        cells(results, "uar:fear")
    with pytest.raises(ConfigError, match="--metric: unknown metric 'kapa'; did you mean 'kappa'"):
        cells(results, "kapa")


def test_a_label_that_one_corpus_lacks_is_a_skipped_cell_and_a_line(results):
    rows = [("x", "s1", "calm", "calm"), ("y", "s2", "tense", "calm")]
    path = results.add(corpus="other", rows=[], labels=["calm", "tense"])
    lines = [
        "utterance,partition,speaker,truth,prediction,calm,tense",
        *(f"{a},test,{b},{c},{d},1,0" for a, b, c, d in rows),
    ]
    (path / "predictions.csv").write_text("\n".join(lines))
    table = report.summarise(report.load(results.folder), "uar:joy")
    states = {(row.corpus, column.strategy): cell.state for row, column, cell in table.cells()}
    assert states == {("emo", "scratch"): "done", ("emo", "adapters"): "done", ("other", "scratch"): "skipped"}
    assert any(line.startswith("skipped: other, fixed: uar:joy: there is no 'joy'") for line in table.problems)


def test_ece_reads_the_probabilities_and_breaks_ties_for_the_recorded_prediction(results, tmp_path):
    rows = Results(tmp_path / "ties")
    path = rows.add()
    head = f"utterance,partition,speaker,truth,prediction,{','.join(LABELS)}"
    (path / "predictions.csv").write_text(f"{head}\na,test,s1,joy,joy,0.4,0.4,0.2\nb,test,s2,anger,joy,0.4,0.4,0.2\n")
    ((_, _, cell),) = report.summarise(report.load(rows.folder), "ece").cells()
    assert cell.score == pytest.approx(0.1)
    assert np.isclose(cell.ece, cell.score)
