"""Power: which difference a paired test could have found with so many speakers."""

from __future__ import annotations

from statistics import NormalDist

_NORMAL = NormalDist()
_LEVEL = 0.95  # of the interval that a comparison states


def detectable_difference(
    low: float, high: float, units: int, *, tests: int = 1, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    r"""Return the smallest difference that a paired test finds with some power: the minimal detectable effect.

    With the standard error :math:`s` of the difference, half the width of its 95 % bootstrap interval over 1.96, it is
    :math:`(\Phi^{-1}(1 - \alpha / 2m) + \Phi^{-1}(power))\, s` (Bloom 1995). The level :math:`\alpha` is divided
    among all m tests, as Holm's correction does for the first of them. The difference that was seen does not enter: a
    power that is computed from it would only repeat p (Hoenig and Heisey 2001).

    Args:
        low: Lower end of the 95 % interval of the difference.
        high: Upper end.
        units: Speakers (or clips) that were drawn.
        tests: How many comparisons are corrected together.
        alpha: Level of the test.
        power: Share of such experiments in which a difference of this size is found.

    Returns:
        None where no difference, however large, could be found: p is never below 2^(1 - units).

    >>> round(detectable_difference(-0.02, 0.06, 24), 4)
    0.0572
    >>> detectable_difference(-0.02, 0.06, 6, tests=12) is None
    True
    """
    level = alpha / tests
    if 2.0 ** (1 - units) >= level:
        return None
    deviation = (high - low) / (2 * _NORMAL.inv_cdf((1 + _LEVEL) / 2))
    return (_NORMAL.inv_cdf(1 - level / 2) + _NORMAL.inv_cdf(power)) * deviation
