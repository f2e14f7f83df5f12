"""The choice of a metric: a registered one, or what it says of one label or attribute, as ``ccc:arousal``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emonet_bench.errors import ConfigError, CorpusError, PluginError
from emonet_bench.types import Metric, TargetKind
from emonet_bench.validation_messages import did_you_mean

Floats = npt.NDArray[np.float64]

KIND_NAMES: Mapping[TargetKind, str] = {
    "label": "single labels",
    "votes": "votes",
    "label-set": "label sets",
    "values": "values",
}
"""Kinds of targets in words."""


@dataclass(frozen=True)
class MetricChoice:
    """A metric, or one part of it.

    Attributes:
        metric: Which.
        part: The label or attribute that is scored; None: the mean over all of them.
    """

    metric: Metric
    part: str | None = None

    def __str__(self) -> str:
        return self.metric.name if self.part is None else f"{self.metric.name}:{self.part}"

    @property
    def title(self) -> str:
        """Its name in tables."""
        title = self.metric.title or self.metric.name
        return title if self.part is None else f"{self.metric.part_title or title} of {self.part}"

    def rank(self, score: float) -> float:
        """Turn a score into a number that is the larger, the better it is."""
        return score if self.metric.higher_is_better else -score

    def score(self, truth: npt.ArrayLike, predicted: npt.ArrayLike, names: Sequence[str]) -> float:
        """Score the predictions of a whole partition.

        Args:
            truth: As the metric takes it.
            predicted: Likewise.
            names: The K labels or attributes.

        Returns:
            The mean over labels or attributes, without those of which the metric says nothing (NaN).

        Raises:
            CorpusError: The metric says nothing of any, or there is no label or attribute of that name.
            PluginError: What it returns is neither one number nor one for each label or attribute.
        """
        found = self.metric.compute(truth, predicted)
        try:
            score = self.total(np.asarray(found, np.float64), names)
        except (TypeError, ValueError):
            score = np.empty(0)
        if score.shape:
            told = f"compute must return one number, or one for each of {len(names)} names; got {str(found)[:100]}"
            raise PluginError(f"metric {self.metric.name}: {told}; mend it")
        if np.isnan(score):
            raise CorpusError(f"{self.title} says nothing of these clips")
        return float(score)

    def dev_score(self, truth: npt.ArrayLike, predicted: npt.ArrayLike, names: Sequence[str]) -> float:
        """Score the predictions of a dev partition, on which the metric tunes what it tunes; see ``score``."""
        return self.score(truth, self.tuned(truth, predicted, predicted), names)

    def tuned(self, dev_truth: npt.ArrayLike, dev_predicted: npt.ArrayLike, predicted: npt.ArrayLike) -> npt.ArrayLike:
        """Return predictions (N, K) after what the metric tunes on dev; as they stand where it tunes nothing."""
        if self.metric.tuned is None:
            return predicted
        return np.asarray(self.metric.tuned(dev_truth, dev_predicted, predicted), np.float64)

    def total(self, each: Floats, names: Sequence[str]) -> Floats:
        """Put what a metric says of each label or attribute (..., K) together, (...,); a score (...,) stands as it is.

        Raises:
            CorpusError: As ``score`` does.
        """
        if self.part is None and each.shape[-1:] != (len(names),):
            return each
        if self.part is not None:
            if self.part not in names or each.shape[-1:] != (len(names),):
                raise CorpusError(f"{self}: {self.metric.name} says nothing of {self.part!r} by itself")
            each = each[..., [names.index(self.part)]]
        told = ~np.isnan(each)
        if not told.any(axis=-1).all():
            raise CorpusError(f"{self.title} says nothing of these clips")
        if told.all():
            return np.asarray(each.mean(axis=-1))
        return np.asarray(np.where(told, each, 0).sum(axis=-1) / told.sum(axis=-1))

    def misfit(self, kind: TargetKind, names: Sequence[str]) -> str | None:
        """Say why the metric cannot score predictions of a target, in a clause; None where it can.

        Args:
            kind: Of the target.
            names: Its labels or attributes.
        """
        if kind not in self.metric.kinds:
            takes = " and ".join(KIND_NAMES[one] for one in self.metric.kinds)
            return f"{self} is a metric of {takes}, not of {KIND_NAMES[kind]}"
        if self.part is not None and self.part not in names:
            return f"{self}: there is no {self.part!r}{did_you_mean(self.part, names)}"
        return None


def choose_metric(text: str, known: Mapping[str, Metric], where: str) -> MetricChoice:
    """Look up a metric by its name, ``NAME`` or ``NAME:PART``.

    Args:
        text: The name.
        known: All metrics.
        where: The option that says it, for the message.

    Raises:
        ConfigError: There is no such metric; one line that names the nearest.
    """
    name, colon, part = text.partition(":")
    if name not in known or (colon and not part):
        raise ConfigError(f"{where}: unknown metric {text!r}{did_you_mean(name, known)}")
    return MetricChoice(known[name], part or None)


def words(name: str) -> str:
    """Write a metric's name for a narrow column, where the metric itself is not at hand.

    >>> words("uar"), words("macro_f1")
    ('UAR', 'macro_f1')
    """
    return name.upper() if name == "uar" else name
