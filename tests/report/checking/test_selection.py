"""What a record says that selects on dev is computed again, by whatever metric the recipe names."""

from __future__ import annotations

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.defaults import DEFAULTS
from emonet_bench.report.checking.selection import selection_problems
from emonet_bench.report.checking.verification import verify
from emonet_bench.report.choice import wanted_metric
from emonet_bench.runs.files import RunFiles
from emonet_bench.types import Metric
from tests.report.checking.test_verification import change, command
from tests.written import Results

HALF = Metric("half", ("label",), lambda truth, predicted: 0.5, higher_is_better=False)


@pytest.fixture
def run(tmp_path):
    """A run selected by accuracy: of its one dev clip the wrong label is predicted."""
    path = Results(tmp_path / "results").add(training={"selection": "accuracy"})
    state(path, metric="accuracy", dev=0.0, higher_is_better=True)
    return path


def state(run, **said):
    change(run, lambda record: record.update(selection=said))


def problems(run, choose=wanted_metric):
    return [*selection_problems(RunFiles(run), RunFiles(run).read_record(), choose)]


def test_what_follows_from_the_predictions_is_no_problem(run):
    assert problems(run) == []


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"dev": 0.25}, "selection, accuracy on dev: stated 0.250000, but the predictions give 0.000000"),
        ({"higher_is_better": False}, "selection: stated that less of accuracy is better, but more is"),
        ({"metric": "uar"}, "selection: stated by uar, but the recipe names accuracy"),
    ],
)
def test_what_does_not_follow_is_a_line(run, said, problem):
    state(run, **{"metric": "accuracy", "dev": 0.0, "higher_is_better": True} | said)
    assert problems(run) == [problem]
    assert problem in verify(run).problems


def test_a_run_that_no_metric_has_selected_states_nothing(run):
    change(run, lambda record: record.pop("selection"))
    assert problems(run) == []


def test_a_metric_of_a_plugin_is_asked(run):
    change(run, lambda record: record["spec"]["training"].update(selection="half"))
    state(run, metric="half", dev=0.5, higher_is_better=False)
    assert problems(run, lambda name: MetricChoice(HALF)) == []
    state(run, metric="half", dev=0.6, higher_is_better=False)
    (problem,) = problems(run, lambda name: MetricChoice(HALF))
    assert problem == "selection, half on dev: stated 0.600000, but the predictions give 0.500000"


def test_a_metric_that_is_not_installed_is_told_and_is_no_fault_of_the_run(run):
    change(run, lambda record: record["spec"]["training"].update(selection="half"))
    state(run, metric="half", dev=0.5, higher_is_better=False)
    with pytest.raises(ConfigError):
        problems(run)
    verdict = verify(run)
    assert [line.partition(":")[0] for line in verdict.unchecked] == ["what selects on dev is not computed again"]
    assert not any("selection" in line for line in verdict.problems)
    assert "what selects on dev is not computed again" in command("verify", run).output


def test_values_are_scored_as_they_were_written(tmp_path):
    """The mean absolute error of one dev clip, by hand: |0.5 - 0.2| and |0.1 - 0.2|."""
    scales = {"arousal": [-1, 1], "valence": [-1, 1]}
    path = Results(tmp_path / "results").add(
        training={"selection": "mae"},
        labels=[*scales],
        target={"name": "affect", "kind": "values", "scales": [*scales.values()]},
        scores={"dev": {"metrics": {"mae": 0.2}}, "test": {"metrics": {"mae": 0.2}}},
    )
    (path / "predictions.csv").write_text(
        "utterance,partition,speaker,truth:arousal,truth:valence,value:arousal,value:valence\n"
        "a,dev,s,0.5,0.1,0.2,0.2\nb,test,s,0.5,0.1,0.2,0.2\n"
    )
    assert DEFAULTS["values"].name != "mae"
    state(path, metric="mae", dev=0.2, higher_is_better=False)
    assert problems(path) == []
    state(path, metric="mae", dev=0.21, higher_is_better=False)
    assert len(problems(path)) == 1
    change(path, lambda record: record["spec"]["training"].update(selection="mae:arousal"))
    state(path, metric="mae:arousal", dev=0.3, higher_is_better=False)
    assert problems(path) == []
