"""Energy of a run: joules of processors, memory and GPU between its beginning and its end, in its record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from emonet_bench import hookimpl
from emonet_bench.runs.spec import RunSpec


@hookimpl
def emonet_extend_record(spec: RunSpec) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Read all counters as a run begins; what is returned reads them again as it ends."""
    from emonet_energy.counters import counters  # noqa: PLC0415 - only where cells run

    found, not_measured = counters(spec.training.device)
    before = {name: counter() for name, counter in found.items()}
    began = time.monotonic()

    def energy(_: Mapping[str, Any]) -> Mapping[str, Any]:
        parts = {name: round(counter() - before[name], 3) for name, counter in found.items()}
        return {
            "joules": round(sum(parts.values()), 3) if parts else None,
            "seconds": round(time.monotonic() - began, 3),
            "parts": parts,
            "not_measured": not_measured,
        }

    return energy
