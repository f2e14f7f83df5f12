"""The inventory of feature stores: sizes, ages, who uses them, and their removal."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from emonet_bench.features.blocks import SUFFIX, read_block
from emonet_bench.features.store import ABOUT, SHARDS, USED, lock_of, read_about

_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class StoredFeatures:
    """A store on disk.

    Attributes:
        path: Its directory.
        users: Which architectures, on which corpora, have asked for its features.
        precision: ``float32`` or ``float16``.
        clips: How many clips' features it holds.
        size: Bytes.
        age_days: Days since its first features were kept.
        unused_days: Days since they were last asked for.
    """

    path: Path
    users: tuple[str, ...]
    precision: str
    clips: int
    size: int
    age_days: float
    unused_days: float


def stored_features(root: Path) -> list[StoredFeatures]:
    """List the stores below a directory, the one used last first."""
    found = [_described(path.parent) for path in root.glob(f"*/{ABOUT}") if not path.parent.is_symlink()]
    return sorted(found, key=lambda store: store.unused_days)


def remove(store: StoredFeatures) -> bool:
    """Remove a store, unless a process is at work on it.

    Returns:
        Whether it is gone.
    """
    with ExitStack() as held:
        try:
            for shard in range(SHARDS):
                held.enter_context(lock_of(store.path, shard).acquire(timeout=0))
        except Timeout:
            return False
        shutil.rmtree(store.path)
    return True


def _described(path: Path) -> StoredFeatures:
    about, now = read_about(path), time.time()
    files = list(path.glob(f"*{SUFFIX}"))
    times = [file.stat().st_mtime for file in files] or [(path / ABOUT).stat().st_mtime]
    used = (path / USED).stat().st_mtime if (path / USED).exists() else max(times)
    digests = {digest for file in files if (block := read_block(file)) for digest in block.rows}
    return StoredFeatures(
        path,
        tuple(about.get("users", ())),
        str(about.get("precision", "?")),
        len(digests),
        sum(file.stat().st_size for file in files),
        max(0.0, now - min(times)) / _DAY,
        max(0.0, now - used) / _DAY,
    )
