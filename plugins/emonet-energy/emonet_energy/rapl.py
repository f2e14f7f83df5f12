"""RAPL: the energy counters of Intel's and AMD's processors and their memory, as Linux shows them.

See https://www.kernel.org/doc/html/latest/power/powercap/powercap.html.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")

_OFTEN = 60.0  # seconds between two readings: at 1 kW a counter of 65 J/mW starts again after some minutes


class NotMeasuredError(Exception):
    """Why something cannot be measured."""


class Zone:
    """A counter of microjoules that starts again at zero when it is full.

    Args:
        directory: Where ``energy_uj`` and ``max_energy_range_uj`` lie.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / "energy_uj"
        self._full = int((directory / "max_energy_range_uj").read_text(encoding="ascii"))
        self._lock = threading.Lock()
        self._last = self._read()
        self._joules = 0.0

    def __call__(self) -> float:
        """Return the joules since it was made."""
        with self._lock:
            now = self._read()
            self._joules += (now - self._last if now >= self._last else now + self._full - self._last) / 1e6
            self._last = now
            return self._joules

    def _read(self) -> int:
        return int(self._file.read_text(encoding="ascii"))


def processor_counters() -> Mapping[str, Zone]:
    """Return the counters of all processor packages and their memory, by name.

    Raises:
        NotMeasuredError: There are none, or they cannot be read.
    """
    return _followed(POWERCAP)


@cache
def _followed(root: Path) -> Mapping[str, Zone]:
    """Find the counters, and read them from now on often enough that none starts again unseen."""
    try:
        zones = {name: Zone(directory) for name, directory in _zones(root)}
    except OSError as error:
        raise NotMeasuredError(f"{error.filename}: cannot be read ({error.strerror}); see emonet-energy") from None
    except ValueError as error:
        raise NotMeasuredError(f"{root}: a counter is no number ({error})") from None
    if not zones:
        raise NotMeasuredError(f"{root}: no RAPL counter; a virtual machine, or neither Intel nor AMD")
    threading.Thread(target=_follow, args=(zones.values(),), daemon=True).start()
    return zones


def _follow(zones: Iterator[Callable[[], float]]) -> None:
    pause = threading.Event()
    while not pause.wait(_OFTEN):
        for zone in zones:
            zone()


def _zones(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield packages, and memory, which is no part of them; cores and graphics are."""
    for directory in sorted(root.glob("intel-rapl:*")):
        name = (directory / "name").read_text(encoding="ascii").strip()
        package = directory.name.split(":")[1]
        if name.startswith("package"):
            yield name, directory
        elif name == "dram":
            yield f"dram-{package}", directory
