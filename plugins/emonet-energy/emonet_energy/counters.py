"""Energy counters of this machine: what can be read, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emonet_energy.nvidia import gpu_counter
from emonet_energy.rapl import NotMeasuredError, processor_counters

Counter = Callable[[], float]
"""Tells the joules since some moment."""


def counters(device: str) -> tuple[dict[str, Counter], Mapping[str, str]]:
    """Find the counters of what a run uses.

    Args:
        device: What it trains on: ``cpu`` or ``cuda``.

    Returns:
        The counters by the names of their parts; and of ``cpu`` and ``gpu`` why it has none.
    """
    found: dict[str, Counter] = {}
    not_measured: dict[str, str] = {}
    sources: dict[str, Callable[[], Mapping[str, Counter]]] = {"cpu": processor_counters}
    if device == "cuda":
        sources["gpu"] = gpu_counter
    for part, source in sources.items():
        try:
            found |= source()
        except NotMeasuredError as reason:
            not_measured[part] = str(reason)
    return found, not_measured
