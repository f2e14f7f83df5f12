"""The machine that a card was measured on, in one line."""

from __future__ import annotations

import platform
from contextlib import suppress
from pathlib import Path

from emonet_bench.machine import cores


def machine() -> str:
    """Name the processor, the cores that this process may use, and the system."""
    return f"{_processor()}, {cores()} cores, {platform.system()} {platform.machine()}"


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
