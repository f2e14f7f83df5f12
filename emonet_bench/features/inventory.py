"""The inventory of feature stores: sizes, ages, who uses them, and their removal."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from emonet_bench.features.about import ABOUT, USED, read_about
from emonet_bench.features.blocks import SUFFIX, read_block
from emonet_bench.features.store import SHARDS, lock_of

_DAY = 24 * 60 * 60
_STORE = re.compile(r"[0-9a-f]{32}")  # see ``FeatureKey.directory_name``
_OWN = re.compile(rf"{re.escape(ABOUT)}|{USED}|.+\.lock|.+{re.escape(SUFFIX)}|\..+\.part")


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
    """List the stores below a directory, the one used last first; whatever else lies there is passed over."""
    found = [path for path in root.glob("*") if _STORE.fullmatch(path.name) and not path.is_symlink()]
    return sorted((_described(path) for path in found if (path / ABOUT).is_file()), key=lambda store: store.unused_days)


def remove(store: StoredFeatures) -> str:
    """Remove a store, unless a process is at work on it: the files of feature stores, and nothing else.

    Returns:
        Why something of it is left; empty: it is gone.
    """
    with ExitStack() as held:
        try:
            for shard in range(SHARDS):
                held.enter_context(lock_of(store.path, shard).acquire(timeout=0))
            for path in store.path.iterdir():
                if _OWN.fullmatch(path.name) and not path.is_dir():
                    path.unlink()
            store.path.rmdir()
        except Timeout:
            return "a process is at work on it; left alone"
        except OSError as error:
            return f"not all of it could be removed ({error.strerror}); what is left is none of ours, or not writable"
    return ""


def _described(path: Path) -> StoredFeatures:
    about, now = read_about(path), time.time()
    files = [file for file in path.glob(f"*{SUFFIX}") if file.is_file()]
    times = [file.stat().st_mtime for file in files] or [(path / ABOUT).stat().st_mtime]
    used = (path / USED).stat().st_mtime if (path / USED).exists() else max(times)
    digests = {digest for file in files if (block := read_block(file)) for digest in block.rows}
    return StoredFeatures(
        path,
        about.users,
        about.precision,
        len(digests),
        sum(file.stat().st_size for file in files),
        max(0.0, now - min(times)) / _DAY,
        max(0.0, now - used) / _DAY,
    )
