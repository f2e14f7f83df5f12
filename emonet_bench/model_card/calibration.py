"""Calibration: whether probabilities mean what they say, and how many errors are left where the model abstains."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from emonet_bench.deploy.abstention import abstain_below
from emonet_bench.errors import ConfigError
from emonet_bench.metrics.abstention import risk_coverage
from emonet_bench.metrics.bootstrap import Statistic
from emonet_bench.metrics.temperature import brier_statistic, calibration_of, ece_statistic
from emonet_bench.model_card.record import Abstention, Bin, Calibration, Estimate, RiskPoint, Temperature
from emonet_bench.model_card.scoring import Scored

_BINS = 10
_POINTS = 20


def calibration(scored: Scored, dev: Scored, metadata: Mapping[str, str]) -> Calibration:
    """Tell how far the probabilities of the clips can be believed.

    Args:
        scored: The clips.
        dev: Those of dev, on which a temperature is tried: for speakers that it was not fitted on.
        metadata: What the file says of itself.
    """
    targets, table = scored.targets, scored.probabilities
    found = calibration_of(dev.targets, dev.probabilities, dev.speakers)
    return Calibration(
        ece=_estimate(ece_statistic(targets, table, scored.speakers)),
        brier=_estimate(brier_statistic(targets, table, scored.speakers)),
        bins=_bins(scored),
        temperature=Temperature(
            value=found.temperature,
            ece_before=_estimate(found.before),
            ece_after=_estimate(found.after),
            helps=found.helps,
        ),
        curve=_curve(scored),
        abstention=_abstention(scored, metadata),
    )


def _estimate(found: Statistic) -> Estimate:
    return Estimate(value=found.value, low=found.low, high=found.high)


def _bins(scored: Scored) -> list[Bin]:
    """Compare confidence and accuracy in equal bins of confidence; empty ones are left out."""
    confidence, right = _confidence(scored)
    place = np.clip(np.ceil(confidence * _BINS).astype(int) - 1, 0, _BINS - 1)
    own = [place == one for one in range(_BINS)]
    return [
        Bin(clips=int(chosen.sum()), confidence=float(confidence[chosen].mean()), accuracy=float(right[chosen].mean()))
        for chosen in own
        if chosen.any()
    ]


def _confidence(scored: Scored) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return scored.probabilities.max(axis=1), scored.probabilities.argmax(axis=1) == scored.targets


def _curve(scored: Scored) -> list[RiskPoint]:
    """Thin the risk-coverage curve to some points, its end among them."""
    coverage, risk = risk_coverage(*_confidence(scored))
    places = sorted({round(float(place)) for place in np.linspace(0, len(coverage) - 1, _POINTS)})
    return [RiskPoint(coverage=float(coverage[place]), risk=float(risk[place])) for place in places]


def _abstention(scored: Scored, told: Mapping[str, str]) -> Abstention | None:
    """Tell what the file's own threshold does to these clips; None: it has none."""
    try:
        threshold = abstain_below(told)
    except ConfigError:
        return None
    confidence, right = _confidence(scored)
    answered = confidence.astype(np.float32) >= threshold
    return Abstention(
        below=threshold,
        stated_risk=float(told.get("abstain_risk") or 0),
        coverage=float(answered.mean()),
        risk=float((~right[answered]).mean()) if answered.any() else None,
    )
