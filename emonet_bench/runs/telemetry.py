"""Telemetry of a run: environment, peak memory, errors and moments, as its record states them."""

from __future__ import annotations

import platform
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from emonet_bench.machine import cores, process_peak_mb
from emonet_bench.runs.facts import LONGEST_TEXT, RunError

if TYPE_CHECKING:
    import torch


def reset_peak_memory(device: torch.device) -> None:
    """Begin to measure anew, where the system allows it: a worker runs one cell after another."""
    import torch  # noqa: PLC0415 - whoever only reads runs does without

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # see proc(5)


def peak_memory_mb(device: torch.device) -> int | None:
    """Return the most memory used, in MiB: of the process, or of the GPU; None where the system does not tell."""
    import torch  # noqa: PLC0415

    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) // 2**20
    return process_peak_mb()


def environment(device: torch.device) -> dict[str, str]:
    """Describe the software and hardware of a run."""
    import torch  # noqa: PLC0415

    hardware = (
        torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    )
    return {
        "emonet-bench": version("emonet-bench"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "device": device.type,
        "hardware": hardware,
        "cores": str(cores()),
    }


def describe_error(error: BaseException, blame: str = "") -> RunError:
    """Put an exception in the form of ``result.json``; of a very long text the beginning or the end is kept.

    Args:
        error: The exception.
        blame: What is said behind its message.
    """
    told = "".join(traceback.format_exception(error))
    return RunError(
        type=type(error).__name__[:200],
        message=_printable(str(error))[: LONGEST_TEXT - len(blame)] + blame,
        traceback=_printable(told)[-LONGEST_TEXT:],
    )


def _printable(text: str) -> str:
    """Escape what is no Unicode, such as the bytes of a file's name in another encoding."""
    return text.encode(errors="backslashreplace").decode()


def now() -> str:
    """Write this moment as ``utc`` does."""
    return utc(datetime.now(UTC))


def utc(moment: datetime) -> str:
    """Write a UTC moment as ISO 8601.

    >>> utc(datetime.fromisoformat("2026-01-02T03:04:05+00:00"))
    '2026-01-02T03:04:05Z'
    """
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
