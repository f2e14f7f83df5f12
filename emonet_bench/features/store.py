"""The feature store: the features of clips on disk, addressed by content, built once by however many processes ask."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from filelock import FileLock, Timeout
from torch import Tensor

from emonet_bench.errors import OutOfSpaceError, StoreError, TrainingError
from emonet_bench.features.about import note_use
from emonet_bench.features.blocks import SUFFIX, Block, read_block, write_block
from emonet_bench.types.network import FrozenFeatures

Precision = Literal["float32", "float16"]

SHARDS = 16
"""A clip belongs to one of so many by its digest; who holds the lock of a shard computes what is missing in it."""

_BLOCK_BYTES = 64 * 2**20
_BLOCK_SECONDS = 10.0  # of computing that a kill may cost, at most
_POLL_SECONDS = 0.1
_TRIES = 4  # to find all features kept: they may be pruned, or damaged, while others are computed

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class FeatureKey:
    """What decides the numbers that are kept of a clip, beside the clip.

    Attributes:
        frozen_id: Of the network, see ``emonet_bench.types.network.Freezable``.
        sampling_rate: At which the clips are heard, whole.
        precision: In which the features are kept.
        device: ``cuda``, or ``cpu`` with the number of threads: each rounds in its own way.
    """

    frozen_id: str
    sampling_rate: int
    precision: Precision
    device: str

    @property
    def directory_name(self) -> str:
        """Name of its directory."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class ClipToCompute:
    """A clip whose features are wanted.

    Attributes:
        digest: 32 bytes that identify its audio.
        samples: Its length.
        compute: Computes its features alone: (1, ...) or (1, T, ...).
    """

    digest: bytes
    samples: int
    compute: Callable[[], FrozenFeatures]


class FeatureStore:
    """The features that one frozen part makes of clips.

    Whatever is kept stays when a process is killed; blocks that are damaged are found by their checksums and computed
    again. A clip with other audio, and a network with other weights, never meet what was kept of the former ones.

    Args:
        root: The directory of all feature stores.
        key: What the features are of.
    """

    def __init__(self, root: Path, key: FeatureKey) -> None:
        self.directory, self.key = root / key.directory_name, key
        self.dtype = {"float32": torch.float32, "float16": torch.float16}[key.precision]

    def features(
        self,
        clips: Sequence[ClipToCompute],
        user: str = "",
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[list[Tensor], bool]:
        """Return the features of clips, in their order, memory-mapped; compute and keep first what is missing.

        Processes that want the same clips at once share the work.

        Args:
            clips: Which.
            user: Who asks, for the list of stores: an architecture and a corpus.
            progress: Called with (clips kept, clips in all) while some are computed.

        Returns:
            A row (...) for each clip, or its sequence (T, ...); and whether they are sequences.

        Raises:
            OutOfSpaceError: The disk has no room for them.
            StoreError: The directory cannot be written.
            TrainingError: Features are not finite, or too large for float16.
        """
        wanted = {clip.digest: clip for clip in clips}
        with self._writing():
            for _ in range(_TRIES):
                self.directory.mkdir(parents=True, exist_ok=True)
                note_use(self.directory, asdict(self.key), user)
                kept = self._kept(wanted)
                missing = [clip for digest, clip in wanted.items() if digest not in kept]
                if not missing:
                    break
                _Builder(self, missing, len(wanted), progress).run()
            else:
                raise StoreError(f"{self.directory}: somebody removes features while they are computed; try again")
        sequence = next(iter(kept.values())).sequence
        return [kept[clip.digest].rows[clip.digest] for clip in clips], sequence

    def blocks(self, shard: int | None = None) -> Iterator[Block]:
        """Yield the blocks, of one shard or of all; one that is no whole one is removed."""
        for path in sorted(self.directory.glob(f"{'*' if shard is None else f'{shard:02d}'}-*{SUFFIX}")):
            if block := read_block(path):
                yield block
            elif shard is not None and not path.is_dir():  # its lock is held
                path.unlink(missing_ok=True)

    def _kept(self, wanted: dict[bytes, ClipToCompute], shard: int | None = None) -> dict[bytes, Block]:
        """Find the blocks that hold clips, undamaged."""
        return {
            digest: block
            for block in self.blocks(shard)
            for digest in block.rows.keys() & wanted.keys()
            if block.holds(digest)
        }

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say in one line what keeps the store from being written."""
        try:
            yield
        except OSError as error:
            remedy = "EMONET_BENCH_FEATURES_DIR names another place, and training.features = 'off' keeps none"
            if error.errno in _FULL:
                raise OutOfSpaceError(f"{self.directory}: no space left on the disk; free some; {remedy}") from error
            raise StoreError(f"{self.directory}: cannot be written ({error.strerror}); {remedy}") from error


def lock_of(directory: Path, shard: int) -> FileLock:
    """Return the lock of a store's shard."""
    return FileLock(directory / f"{shard:02d}.lock")


class _Builder:
    """Computes what is missing, shard by shard, beside other processes that do the same."""

    def __init__(
        self,
        store: FeatureStore,
        missing: Sequence[ClipToCompute],
        total: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.store, self.total, self.progress = store, total, progress
        self.shards: dict[int, dict[bytes, ClipToCompute]] = {}
        for clip in missing:
            self.shards.setdefault(clip.digest[0] % SHARDS, {})[clip.digest] = clip
        self.left = len(missing)
        self.asked = False

    def run(self) -> None:
        """Compute the shards that no other process is at work on, then wait for those of the others."""
        start = os.getpid() % SHARDS  # processes begin at different shards
        pending = sorted(self.shards, key=lambda shard: (shard - start) % SHARDS)
        while pending:
            busy = [shard for shard in pending if not self._take(shard)]
            if len(busy) == len(pending):
                time.sleep(_POLL_SECONDS)
            pending = busy

    def _take(self, shard: int) -> bool:
        """Compute what is missing in a shard, unless another process holds it."""
        self.store.directory.mkdir(parents=True, exist_ok=True)  # it may have been pruned
        try:
            with lock_of(self.store.directory, shard).acquire(timeout=0):
                wanted = self.shards[shard]
                kept = self.store._kept(wanted, shard)  # noqa: SLF001 - of the same module; others may have been here
                self._advance(len(kept))
                self._fill(shard, [clip for digest, clip in wanted.items() if digest not in kept])
        except Timeout:
            return False
        return True

    def _fill(self, shard: int, clips: Sequence[ClipToCompute]) -> None:
        rows: dict[bytes, Tensor] = {}
        size, began, sequence = 0, time.monotonic(), False
        for clip in sorted(clips, key=lambda clip: clip.samples):
            row, sequence = self._compute(clip)
            rows[clip.digest] = row
            size += row.nbytes
            self._advance(1)
            if size > _BLOCK_BYTES or time.monotonic() - began > _BLOCK_SECONDS:
                self._write(shard, rows, sequence=sequence)
                rows, size, began = {}, 0, time.monotonic()
        if rows:
            self._write(shard, rows, sequence=sequence)

    def _write(self, shard: int, rows: dict[bytes, Tensor], *, sequence: bool) -> None:
        path = self.store.directory / f"{shard:02d}-{secrets.token_hex(8)}{SUFFIX}"
        try:
            write_block(path, rows, sequence=sequence)
        except Exception as error:
            if any(f"os error {number})" in str(error) for number in _FULL):  # safetensors' own words
                raise OSError(errno.ENOSPC, str(error)) from error
            raise

    def _compute(self, clip: ClipToCompute) -> tuple[Tensor, bool]:
        """Compute the row (...) or the sequence (T, ...) of one clip."""
        values, lengths = clip.compute()
        row = values[0] if lengths is None else values[0, : int(lengths[0])]
        kept = row.detach().to("cpu", self.store.dtype).contiguous()
        if not kept.isfinite().all():
            reason = "are too large for float16; set training.features = 'float32'"
            raise TrainingError(f"frozen features {reason if row.isfinite().all() else 'are not finite'}")
        if not self.asked:
            self._ask_for_space(kept.nbytes, clip.samples, sequence=lengths is not None)
        return kept, lengths is not None

    def _ask_for_space(self, size: int, samples: int, *, sequence: bool) -> None:
        """Hold what all missing clips will take against the room on the disk, judged by the first one."""
        self.asked = True
        missing = [clip.samples for clips in self.shards.values() for clip in clips.values()]
        needed = size * sum(missing) // max(1, samples) if sequence else size * len(missing)
        free = shutil.disk_usage(self.store.directory).free
        if needed > free:
            raise OutOfSpaceError(
                f"{self.store.directory}: the features of {len(missing)} clips need {needed / 1e9:.2f} GB and "
                f"{free / 1e9:.2f} GB are free; free some, let EMONET_BENCH_FEATURES_DIR name another place, "
                "or set training.features to 'float16' (half the size) or 'off' (computed anew in every epoch)"
            )

    def _advance(self, clips: int) -> None:
        self.left -= clips
        if self.progress:
            self.progress(self.total - self.left, self.total)
