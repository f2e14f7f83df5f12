"""The choice of a metric: names, parts, directions, and what does not fit."""

import numpy as np
import pytest

from emonet_bench.errors import ConfigError, CorpusError, PluginError
from emonet_bench.metrics.choice import MetricChoice, choose_metric
from emonet_bench.metrics.defaults import CCC, UAR
from emonet_bench.types import Metric

ERROR = Metric("error", ("values",), lambda x, y: np.abs(x - y).mean(axis=0), higher_is_better=False, title="Error")
KNOWN = {"uar": UAR, "error": ERROR}
TRUTH, GIVEN = np.array([[1.0, 2.0], [3.0, 2.0]]), np.array([[1.0, 4.0], [1.0, 4.0]])


def test_a_metric_is_the_mean_over_attributes_or_that_of_one():
    names = ("arousal", "valence")
    assert choose_metric("error", KNOWN, "x").score(TRUTH, GIVEN, names) == 1.5
    assert choose_metric("error:valence", KNOWN, "x").score(TRUTH, GIVEN, names) == 2
    assert choose_metric("error:arousal", KNOWN, "x").title == "Error of arousal"
    assert choose_metric("uar:joy", KNOWN, "x").title == "Recall of joy"


def test_what_a_metric_says_nothing_of_is_left_out_of_the_mean():
    partly = MetricChoice(Metric("partly", ("values",), lambda *_: [np.nan, 0.5]))
    assert partly.score(TRUTH, GIVEN, ("a", "b")) == 0.5
    with pytest.raises(CorpusError, match="partly of a says nothing of these clips"):
        MetricChoice(partly.metric, "a").score(TRUTH, GIVEN, ("a", "b"))


def test_less_is_better_where_the_metric_says_so():
    error, uar = (choose_metric(name, KNOWN, "x") for name in ("error", "uar"))
    assert error.rank(0.1) > error.rank(0.2)
    assert uar.rank(0.1) < uar.rank(0.2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("uer", r"--metric: unknown metric 'uer'; did you mean 'uar'\?"),
        ("uar:", "unknown metric 'uar:'"),
        ("", "known: error, uar"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_nearest(text, message):
    with pytest.raises(ConfigError, match=message):
        choose_metric(text, KNOWN, "--metric")


def test_what_does_not_fit_a_target_is_said_in_a_clause():
    uar, part = choose_metric("uar", KNOWN, "x"), choose_metric("uar:joi", KNOWN, "x")
    assert uar.misfit("label", ("joy",)) is None
    assert uar.misfit("values", ("arousal",)) == "uar is a metric of single labels, not of values"
    assert part.misfit("label", ("joy", "fear")) == "uar:joi: there is no 'joi'; did you mean 'joy'?"


def test_a_single_number_has_no_parts():
    whole = MetricChoice(Metric("whole", ("label",), lambda *_: 0.5), "joy")
    with pytest.raises(CorpusError, match="whole says nothing of 'joy' by itself"):
        whole.score([0], [[1.0, 0.0]], ("joy", "fear"))


def test_on_dev_a_metric_scores_what_it_has_tuned_there():
    halves = Metric(
        "half",
        ("label-set",),
        lambda truth, given: (truth == given).mean(),
        tuned=lambda _, dev, given: given > dev.mean(),
    )
    choice = MetricChoice(halves)
    truth, predicted = np.array([[0.0, 1], [0, 1]]), np.array([[0.1, 0.2], [0.1, 0.2]])
    assert choice.dev_score(truth, predicted, ("a", "b")) == 1
    assert choice.score(truth, predicted, ("a", "b")) == 0
    assert choice.tuned(truth, predicted, np.array([[0.16, 0.14]])).tolist() == [[1, 0]]
    assert MetricChoice(CCC).tuned(truth, truth, predicted) is predicted


@pytest.mark.parametrize("made", [np.ones(3), np.ones((2, 2)), "much", {}])
def test_what_is_neither_one_number_nor_one_for_each_label_is_the_metrics_fault(made):
    odd = MetricChoice(Metric("odd", ("label",), lambda *_: made))
    with pytest.raises(
        PluginError, match="metric odd: compute must return one number, or one for each of 2 names; got"
    ):
        odd.score([0], [[1.0, 0.0]], ("joy", "fear"))


@pytest.mark.parametrize("made", [None, np.nan, [np.nan, np.nan]])
def test_a_metric_without_a_number_says_nothing_of_the_clips(made):
    mute = MetricChoice(Metric("mute", ("label",), lambda *_: made))
    with pytest.raises(CorpusError, match="mute says nothing of these clips"):
        mute.score([0], [[1.0, 0.0]], ("joy", "fear"))
