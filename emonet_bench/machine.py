"""The machine: the CPU cores and the memory that this process may use, a container's where it has a limit.

Linux limits a container by a cgroup (control group), of version 1 or 2; a limit on any group that encloses ours holds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ROOT = Path("/")


def cores(root: Path = _ROOT) -> int:
    """Count the cores that this process may use: by its affinity and by the quota of its control groups.

    Args:
        root: Where the system's ``proc`` and ``sys`` lie.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([count, *(max(1, int(limit)) for limit in _quotas(root))])


def memory_mb(root: Path = _ROOT) -> int:
    """Return the memory that this process and its children may take, in MiB.

    Args:
        root: Where the system's ``proc`` and ``sys`` lie.
    """
    if not hasattr(os, "sysconf"):
        return sys.maxsize  # Windows does not tell; there the cores alone count
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([total, *_limits(root)]) // 2**20


def process_peak_mb() -> int | None:
    """Return the most memory that this process has used, in MiB; None where the system does not tell."""
    try:  # getrusage knows the peak, too, but counts what the parent had when it started this process
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024
    except (OSError, IndexError):
        return _peak_by_getrusage()


def _peak_by_getrusage() -> int | None:
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 2**20


def _quotas(root: Path) -> Iterator[float]:
    """Yield the CPU quotas that hold, in cores."""
    for group in _groups(root, ""):
        with suppress(OSError, ValueError):  # no such file, or "max"
            quota, period = map(int, (group / "cpu.max").read_text(encoding="ascii").split())
            yield quota / period
    for group in _groups(root, "cpu"):
        with suppress(OSError, ValueError):
            quota, period = (
                int((group / f"cpu.cfs_{name}_us").read_text(encoding="ascii")) for name in ("quota", "period")
            )
            if quota > 0:  # -1: no limit
                yield quota / period


def _limits(root: Path) -> Iterator[int]:
    """Yield the memory limits that hold, in bytes; version 1 says a huge number where there is none."""
    for controller, file in (("", "memory.max"), ("memory", "memory.limit_in_bytes")):
        for group in _groups(root, controller):
            with suppress(OSError, ValueError):
                yield int((group / file).read_text(encoding="ascii"))


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the directories of our control group and of all that enclose it.

    Args:
        root: Where the system's files lie.
        controller: One of version 1; empty: the single hierarchy of version 2.
    """
    mount = root / "sys/fs/cgroup" / controller
    own = "/"
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                own = path
    group = mount / own.lstrip("/")
    while group != mount and mount in group.parents:
        yield group
        group = group.parent
    yield mount  # within a container, its own group is mounted there whatever its path outside
