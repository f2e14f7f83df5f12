"""The kit for metrics: all built-in ones pass, and each contract is broken by something."""

from dataclasses import replace

import numpy as np
import pytest
from emonet_builtins.metrics import METRICS

from emonet_bench.metrics import counts, weighted
from emonet_bench.metrics.defaults import CCC
from emonet_bench.testing.metrics import check_metric
from emonet_bench.types import Metric


def _accuracy(truth, predicted):
    return float(np.mean(predicted.argmax(axis=1) == truth))


def _greedy(truth, predicted):
    found = _accuracy(truth, predicted)
    predicted[:] = 0
    return found


TUNED = next(metric for metric in METRICS if metric.tuned)
SOUND = Metric("mine", ("label",), _accuracy)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_built_in_metric_keeps_its_contracts(metric):
    check_metric(metric)


def test_a_registered_name_is_looked_up():
    check_metric("kappa")


@pytest.mark.parametrize(
    ("broken", "contract"),
    [
        (replace(SOUND, compute=lambda truth, predicted: predicted), "metric-numbers"),
        (replace(SOUND, kinds=("values",), compute=lambda x, y: np.corrcoef(x[:, 0], y[:, 0])[0, 1]), "metric-numbers"),
        (replace(SOUND, higher_is_better=False), "metric-direction"),
        (replace(SOUND, compute=lambda truth, predicted: _accuracy(truth, predicted) * len(truth)), "metric-whole-partition"),
        (replace(SOUND, compute=lambda truth, predicted: _accuracy(truth[:40], predicted[:40])), "metric-whole-partition"),
        (replace(SOUND, compute=_greedy), "metric-inputs-kept"),
        (replace(SOUND, counts=counts.kappa), "metric-counts-agree"),
        (replace(TUNED, tuned=lambda truth, dev, given: given > given.mean()), "metric-tuned-on-dev"),
        (replace(TUNED, tuned=lambda truth, dev, given: given[:, 0]), "metric-tuned-on-dev"),
        (replace(CCC, weighted=weighted.pearson_correlation), "metric-weights-agree"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_broken_contract_is_named(broken, contract):
    with pytest.raises(AssertionError, match=contract):
        check_metric(broken)
