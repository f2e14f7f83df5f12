"""The sample cache: a corpus's clips read once and kept end to end in one int16 file."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache as remembered
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emonet_bench.audio import store_files
from emonet_bench.audio.decoding import resampled
from emonet_bench.audio.excerpts import decoded, digest
from emonet_bench.audio.sources import state
from emonet_bench.errors import AudioError, StoreError
from emonet_bench.machine import cores
from emonet_bench.types import Utterance

_FORMAT = 3  # a new number leaves older stores alone
_SCALE = 32768
_NAMED = 20  # bad files in a message; 'corpora audit' reads them all
_CHUNK = 256  # clips decoded before any is written: bounds the memory of a long build


@dataclass(frozen=True)
class AudioStore:
    """The audio of some utterances, ready to be memory-mapped.

    Attributes:
        path: A raw file of native int16 samples, all clips end to end.
        starts: (N,) int64, first sample of each utterance.
        lengths: (N,) int64, samples of each utterance.
        fingerprint: 16 hexadecimal digits: names, labels, speakers and decoded audio, wherever the files lie, whatever
            their (lossless) format and whatever rate they are resampled to.
        bad: The utterances that were left out, with the reason; their length is 0.
        digests: (N, 32) uint8, SHA-256 of each utterance's decoded audio at its own rate.
        checksums: (N,) uint32, CRC-32 of each utterance's samples in the file.
    """

    path: Path
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    fingerprint: str
    bad: Mapping[str, str]
    digests: NDArray[np.uint8]
    checksums: NDArray[np.uint32]

    def verify(self) -> tuple[int, ...]:
        """Hold the samples in the file against their checksums.

        Returns:
            Places of the utterances whose samples are not those that were written; none where all are sound.
        """
        return store_files.damaged_clips(self.path, self.starts, self.lengths, self.checksums)

    def select(self, utterances: Sequence[Utterance], index: Sequence[int]) -> AudioStore:
        """Keep some utterances.

        Args:
            utterances: The M that are kept, as they are labelled now.
            index: (M,) their places.
        """
        kept, digests = list(index), self.digests[list(index)]
        bad = {utterance.name: self.bad[utterance.name] for utterance in utterances if utterance.name in self.bad}
        mark = fingerprint(utterances, digests, bad)
        checksums = self.checksums[kept]
        return AudioStore(self.path, self.starts[kept], self.lengths[kept], mark, bad, digests, checksums)


class _Clip(NamedTuple):
    samples: NDArray[np.int16]
    digest: bytes  # of the decoded audio, before resampling


def open_store(
    corpus_name: str,
    utterances: Sequence[Utterance],
    sampling_rate: int,
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    skip_bad: bool = False,
    threads: int | None = None,
) -> AudioStore:
    """Open the store of a corpus's audio; build it first where there is none for exactly these files.

    A store belongs to the path, size and modification time of every file, in order, so a changed corpus gets a new one.
    It is built under a lock and renamed into place: several processes may ask at once, and a killed build does no harm.
    Each process holds every clip against its checksum when it first opens a store; a damaged one is built again, and a
    warning says so.

    Args:
        corpus_name: Name of the corpus.
        utterances: N utterances.
        sampling_rate: Samples per second to resample to.
        cache: The cache directory; stores lie in its folder ``audio``.
        progress: Called with the number of clips read so far and N.
        skip_bad: Leave files out that cannot be used.
        threads: Files read at once; None: one for each core.

    Raises:
        AudioError: Files cannot be used (with ``skip_bad``: none can); the message lists every one with the reason.
        StoreError: The cache cannot be written.
    """
    from filelock import FileLock  # noqa: PLC0415 - reading a file needs less: emonet_bench.deploy runs without it

    folder = cache / "audio" / f"{corpus_name}-{_key(utterances, sampling_rate)}"
    index = _sound(folder)
    if index is None or (index.bad and not skip_bad):
        with cache_errors(cache):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                index = _sound(folder)
                if index is None or (index.bad and not skip_bad):
                    index = _build(folder, utterances, sampling_rate, progress, skip_bad=skip_bad, threads=threads)
    bad = {utterances[place].name: reason for place, reason in index.bad.items()}
    mark = fingerprint(utterances, index.digests, bad)
    samples = folder / store_files.SAMPLES
    return AudioStore(samples, index.starts, index.lengths, mark, bad, index.digests, index.checksums)


@contextmanager
def cache_errors(cache: Path) -> Iterator[None]:
    """Say in one line why the cache cannot be written: it is full, read-only, a file, or somebody else's.

    Raises:
        StoreError: Whatever the file system says within.
    """
    try:
        yield
    except (OSError, NotImplementedError) as error:  # NotImplementedError: the file system knows no locks
        reason = f"{error.strerror}, os error {error.errno}" if isinstance(error, OSError) else str(error)
        raise StoreError(
            f"{cache}: the cache cannot be written ({reason}); mend that, or name another directory with "
            "EMONET_BENCH_CACHE_DIR"
        ) from error


def _sound(folder: Path) -> store_files.Index | None:
    """Load a store's index; None where there is no store, or a damaged one."""
    index = store_files.load(folder)
    if index is not None:
        state = (folder / store_files.SAMPLES).stat()
        if _is_sound(folder, state.st_ino, state.st_size, state.st_mtime_ns):
            return index
    return None


@remembered
def _is_sound(folder: Path, *_: int) -> bool:
    """Hold a store against its checksums, once in a process for each state of its file."""
    index = store_files.load(folder)
    return index is not None and not store_files.damaged_clips(
        folder / store_files.SAMPLES, index.starts, index.lengths, index.checksums
    )


def _key(utterances: Iterable[Utterance], sampling_rate: int) -> str:
    states = ((u, state(u.file)) for u in utterances)
    rows = [(*known[:-2], u.start, u.end, *known[-2:]) for u, known in states]
    content = json.dumps([_FORMAT, sampling_rate, rows])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def fingerprint(utterances: Iterable[Utterance], digests: NDArray[np.uint8], bad: Collection[str] = ()) -> str:
    """Hash names, labels, speakers and decoded audio.

    Args:
        utterances: N utterances.
        digests: (N, 32), see ``AudioStore``.
        bad: Names of those that are left out.
    """
    rows = sorted(
        (u.name, u.label, u.speaker, digest.tobytes().hex())
        for u, digest in zip(utterances, digests, strict=True)
        if u.name not in bad
    )
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def _build(
    folder: Path,
    utterances: Sequence[Utterance],
    sampling_rate: int,
    progress: Callable[[int, int], None] | None,
    *,
    skip_bad: bool,
    threads: int | None,
) -> store_files.Index:
    if folder.exists() and _sound(folder) is None:
        warnings.warn(f"{folder}: this cache of audio is damaged; it is built again", RuntimeWarning, stacklevel=3)
    pending = folder.with_suffix(".pending")
    shutil.rmtree(pending, ignore_errors=True)  # of a build that was killed
    pending.mkdir()
    try:
        index = _written(pending, utterances, sampling_rate, progress, threads)
        _check_bad(utterances, index, skip_bad=skip_bad)
        store_files.save(index, pending)
        shutil.rmtree(folder, ignore_errors=True)
        pending.rename(folder)
    except BaseException:
        shutil.rmtree(pending, ignore_errors=True)
        raise
    return index


def _written(
    folder: Path,
    utterances: Sequence[Utterance],
    sampling_rate: int,
    progress: Callable[[int, int], None] | None,
    threads: int | None,
) -> store_files.Index:
    """Write the samples of all utterances, and return what is known of them."""
    index = store_files.empty(len(utterances))
    with (folder / store_files.SAMPLES).open("wb") as out:
        for place, clip in enumerate(_clips(utterances, sampling_rate, threads)):
            if isinstance(clip, AudioError):
                index.bad[place] = str(clip)
            else:
                content = clip.samples.tobytes()
                out.write(content)
                index.lengths[place] = len(clip.samples)
                index.digests[place] = np.frombuffer(clip.digest, np.uint8)
                index.checksums[place] = zlib.crc32(content)
            if progress:
                progress(place + 1, len(utterances))
    return index


def _check_bad(utterances: Sequence[Utterance], index: store_files.Index, *, skip_bad: bool) -> None:
    if index.bad and not (skip_bad and index.lengths.any()):
        raise AudioError(_listed(utterances, index.bad))


def _listed(utterances: Sequence[Utterance], bad: Mapping[int, str]) -> str:
    reasons = [f"{utterances[place].file}: {reason}" for place, reason in bad.items()]
    more = [f"and {len(reasons) - _NAMED} more"] if len(reasons) > _NAMED else []
    files = "file" if len(reasons) == 1 else "files"
    return (
        f"{len(reasons)} bad audio {files} (of {len(utterances)} clips); replace them, take them out of the corpus, or "
        f"leave them out with --skip-bad-files: {'; '.join([*reasons[:_NAMED], *more])}"
    )


def _clips(utterances: Sequence[Utterance], sampling_rate: int, threads: int | None) -> Iterator[_Clip | AudioError]:
    """Read clips in order, in threads: libsndfile and soxr release the GIL."""
    with ThreadPoolExecutor(threads or cores()) as pool:
        for first in range(0, len(utterances), _CHUNK):
            chunk = utterances[first : first + _CHUNK]
            yield from pool.map(lambda u: _clip(u, sampling_rate), chunk)


def _clip(utterance: Utterance, sampling_rate: int) -> _Clip | AudioError:
    try:
        source, rate = decoded(utterance.file, utterance.start, utterance.end)
        scaled = np.rint(resampled(source, rate, sampling_rate) * _SCALE)
    except AudioError as error:
        return error
    samples = scaled.clip(-_SCALE, _SCALE - 1).astype(np.int16)
    return _Clip(samples, digest(source, rate)) if samples.any() else AudioError("silent: every sample is zero")
