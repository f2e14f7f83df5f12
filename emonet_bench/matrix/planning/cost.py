"""The cost model: what cells cost in time and memory, alike for cells of one kind; what a probe measured is kept."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from emonet_bench.directories import cache_directory
from emonet_bench.files import write_text
from emonet_bench.runs.spec import RunSpec

_DECISIVE = ("batch_size", "window", "sampling_rate", "device", "precision", "threads")


@dataclass(frozen=True)
class Cost:
    """What a training costs.

    Attributes:
        seconds: For each clip and epoch.
        memory_mb: The most memory, in MiB.
        frozen_id: Of the frozen part whose features are kept, so that no epoch computes it; empty: there is none.
        extraction: Seconds in which these features are computed of a clip, once for all cells.
    """

    seconds: float
    memory_mb: int
    frozen_id: str = ""
    extraction: float = 0.0


def cost_key(spec: RunSpec) -> str:
    """Name what cells have in common that take equally long for each clip of an epoch.

    Where clips are heard as a whole, features of a frozen part may be kept, and the strategy decides what is frozen.
    """
    recipe = [getattr(spec.training, name) for name in _DECISIVE]
    parts: list[Any] = [spec.architecture, spec.architecture_options, recipe]
    if spec.training.window is None:
        parts += [spec.strategy, spec.strategy_options, spec.training.features]
    return json.dumps(parts, sort_keys=True)


def cached_cost(name: str, plugin_version: str) -> Cost | None:
    """Return what an earlier probe of a kind has measured; None where software or hardware were others, or none was.

    Args:
        name: The kind.
        plugin_version: Version of the plugin that offers the architecture.
    """
    try:
        return Cost(**json.loads(_file(name, plugin_version).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def store_cost(name: str, plugin_version: str, measured: Cost) -> None:
    """Keep what a probe has measured; where the cache cannot be written, the next call only takes longer."""
    file = _file(name, plugin_version)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, json.dumps(asdict(measured)))


def _file(name: str, plugin_version: str) -> Path:
    software = [version("emonet-bench"), version("torch"), platform.python_version(), plugin_version]
    hardware: list[Any] = [platform.node(), platform.machine(), os.cpu_count(), os.environ.get("CUDA_VISIBLE_DEVICES")]
    key = json.dumps([name, software, hardware])
    return cache_directory() / "probes" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def duration(seconds: float) -> str:
    """Say a length of time.

    >>> duration(4), duration(90), duration(30_000)
    ('4 s', '2 min', '8.3 h')
    """
    if seconds < 60:  # noqa: PLR2004
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004
