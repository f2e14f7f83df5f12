"""The contract kit for metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.counts import count
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.contracts import BrokenError, hold
from emonet_bench.types import Metric, TargetKind

CLIPS = 60
NAMES = ("first", "second", "third")
_CLOSE = 1e-9


@dataclass(frozen=True)
class MetricBench:
    """A metric on the bench.

    Attributes:
        metric: Which.
    """

    metric: Metric

    @property
    def choice(self) -> MetricChoice:
        """The mean over all labels or attributes."""
        return MetricChoice(self.metric)

    def cases(self) -> Iterator[tuple[TargetKind, npt.NDArray[Any], npt.NDArray[np.float64]]]:
        """Yield each kind with a truth of ``CLIPS`` clips and the perfect prediction of it."""
        draw = np.random.default_rng(0)
        for kind in self.metric.kinds:
            labels = draw.integers(len(NAMES), size=CLIPS)
            perfect = np.eye(len(NAMES))[labels]
            if kind == "label":
                yield kind, labels, perfect
            elif kind == "votes":
                shares = draw.dirichlet([0.5] * len(NAMES), size=CLIPS)
                yield kind, shares, shares
            elif kind == "label-set":
                true = np.where(draw.random((CLIPS, len(NAMES))) < _HALF, 1.0, 0.0)
                yield kind, true, true
            else:
                values = draw.uniform(1, 7, (CLIPS, len(NAMES)))
                yield kind, values, values

    def score(self, truth: npt.NDArray[Any], predicted: npt.NDArray[np.float64]) -> float:
        """Score predictions."""
        return self.choice.score(truth, predicted, NAMES)


_HALF = 0.5


def check_metric(metric: str | Metric) -> None:
    """Hold a metric to its contracts.

    Args:
        metric: A registered name, or a ``Metric``.

    Raises:
        AssertionError: It breaks one; the message says which, what was seen and where the contract is written.
        ConfigError: No metric has the name.
    """
    found = Plugins(corpora=False).metrics[metric] if isinstance(metric, str) else metric
    hold("metric", found.name, CHECKS, MetricBench(found))


def numbers(bench: MetricBench) -> None:
    """It returns one number, or one for each label or attribute, finite even where every clip is predicted alike."""
    for kind, truth, perfect in bench.cases():
        constant = np.broadcast_to(perfect.mean(axis=0), perfect.shape).copy()
        for what, predicted in (("perfect", perfect), ("constant", constant), ("other", _noisy(perfect))):
            found = np.asarray(bench.metric.compute(truth, predicted), np.float64)
            if found.shape not in ((), (len(NAMES),)):
                raise BrokenError(
                    f"of {kind} it returns an array of {found.shape}, not a number or {len(NAMES)} of them"
                )
            if not np.isfinite(found).all():
                raise BrokenError(f"of {what} predictions of {kind} it returns {found.tolist()}")


def direction(bench: MetricBench) -> None:
    """A perfect prediction is better than a wrong one, in the direction that ``higher_is_better`` says."""
    for kind, truth, perfect in bench.cases():
        best = bench.choice.rank(bench.score(truth, perfect))
        for predicted in (_noisy(perfect), perfect[::-1]):
            if not best > bench.choice.rank(bench.score(truth, predicted)):
                seen = bench.score(truth, perfect), bench.score(truth, predicted)
                raise BrokenError(f"of {kind} a perfect prediction scores {seen[0]:.6g}, a wrong one {seen[1]:.6g}")


def whole_partition(bench: MetricBench) -> None:
    """It is a number of all clips: their order does not matter, nor does it grow with their number."""
    for kind, truth, perfect in bench.cases():
        predicted = _noisy(perfect)
        score = bench.score(truth, predicted)
        order = np.random.default_rng(1).permutation(len(truth))
        for what, index in (("in another order", order), ("each twice", np.repeat(order, 2))):
            other = bench.score(truth[index], predicted[index])
            if abs(other - score) > _CLOSE * max(1, abs(score)):
                raise BrokenError(f"clips of {kind} score {score:.9g}, {what} {other:.9g}")


def inputs_kept(bench: MetricBench) -> None:
    """It does not change what it is given."""
    for kind, truth, perfect in bench.cases():
        given = truth.copy(), _noisy(perfect)
        kept = given[0].copy(), given[1].copy()
        bench.metric.compute(*given)
        if not all(np.array_equal(*pair) for pair in zip(given, kept, strict=True)):
            raise BrokenError(f"it writes into the arrays of {kind} that it is given")


def counts_agree(bench: MetricBench) -> None:
    """What ``counts`` says of counts is what ``compute`` says of the clips, of many resamples at once."""
    for kind, truth, perfect in bench.cases() if bench.metric.counts is not None else ():
        if kind != "label":
            continue
        assert bench.metric.counts is not None
        predicted = _noisy(perfect)
        counts = count(truth, predicted)
        expected = np.asarray(bench.metric.compute(truth, predicted), np.float64)
        found = np.asarray(bench.metric.counts(*(np.stack([each, 2 * each]) for each in counts)), np.float64)
        if found.shape != (2, *expected.shape) or not np.allclose(found, expected, rtol=0, atol=_CLOSE):
            raise BrokenError(f"counts gives {found.tolist()} of clips once and twice, compute {expected.tolist()}")


def weights_agree(bench: MetricBench) -> None:
    """What ``weighted`` says of weights is what ``compute`` says of clips that stand there so often, NaN aside."""
    for kind, truth, perfect in bench.cases() if bench.metric.weighted is not None else ():
        if kind == "label":
            continue
        assert bench.metric.weighted is not None
        predicted = _noisy(perfect)
        weights = np.random.default_rng(3).multinomial(len(truth), np.full(len(truth), 1 / len(truth)), size=3)
        found = np.asarray(bench.metric.weighted(truth, predicted, weights.astype(np.float64)), np.float64)
        index = [np.repeat(np.arange(len(truth)), row) for row in weights]
        expected = np.array([bench.metric.compute(truth[one], predicted[one]) for one in index], np.float64)
        if found.shape != expected.shape or not np.allclose(found, expected, rtol=0, atol=_CLOSE):
            raise BrokenError(f"weighted gives {found.tolist()} of drawn {kind}, compute {expected.tolist()}")


def tuned_on_dev(bench: MetricBench) -> None:
    """What ``tuned`` makes of a prediction rests on dev and on this prediction alone, and has its form."""
    for kind, truth, perfect in bench.cases() if bench.metric.tuned is not None else ():
        predicted = _noisy(perfect)
        half = len(truth) // 2
        dev, test = (truth[:half], predicted[:half]), predicted[half:]
        assert bench.metric.tuned is not None
        whole = np.asarray(bench.metric.tuned(*dev, test.copy()))
        if whole.shape != test.shape:
            raise BrokenError(f"of predictions {test.shape} of {kind} it makes {whole.shape}")
        alone = np.concatenate([np.asarray(bench.metric.tuned(*dev, test[i : i + 1].copy())) for i in range(len(test))])
        if not np.array_equal(whole, alone):
            raise BrokenError(f"predictions of {kind} are tuned otherwise where other clips are tested")


CHECKS = (inputs_kept, numbers, direction, whole_partition, counts_agree, weights_agree, tuned_on_dev)
"""In the order in which they help most; each one's docstring is the contract."""


def _noisy(perfect: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return predictions that are mostly right: rows still sum to what they did."""
    draw = np.random.default_rng(2)
    mixed = np.where(draw.random((len(perfect), 1)) < _HALF, perfect, perfect[draw.permutation(len(perfect))])
    return np.asarray(0.8 * mixed + 0.2 * perfect.mean(axis=0))
