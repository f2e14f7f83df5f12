"""The store: a corpus's clips read once and kept end to end in one int16 file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emonet_bench.audio.decoding import decoded, digest, resampled
from emonet_bench.errors import AudioError
from emonet_bench.machine import cores
from emonet_bench.types import Utterance

_SAMPLES = "samples.int16"
_FORMAT = 2  # a new number leaves older stores alone
_SCALE = 32768
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
    """

    path: Path
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    fingerprint: str
    bad: Mapping[str, str]
    digests: NDArray[np.uint8]

    def select(self, utterances: Sequence[Utterance], index: Sequence[int]) -> AudioStore:
        """Keep some utterances.

        Args:
            utterances: The M that are kept, as they are labelled now.
            index: (M,) their places.
        """
        kept, digests = list(index), self.digests[list(index)]
        bad = {utterance.name: self.bad[utterance.name] for utterance in utterances if utterance.name in self.bad}
        mark = fingerprint(utterances, digests, bad)
        return AudioStore(self.path, self.starts[kept], self.lengths[kept], mark, bad, digests)


class _Index(NamedTuple):
    lengths: NDArray[np.int64]  # (N,)
    digests: NDArray[np.uint8]  # (N, 32)
    bad: dict[str, str]


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

    A store belongs to the path, size and modification time of every file, so a changed corpus gets a new one. It is
    built under a lock and renamed into place: several processes may ask at once, and a killed build does no harm.

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
    """
    from filelock import FileLock  # noqa: PLC0415 - reading a file needs less: emonet_bench.deploy runs without it

    folder = cache / "audio" / f"{corpus_name}-{_key(utterances, sampling_rate)}"
    index = _load(folder, skip_bad=skip_bad)
    if index is None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            index = _load(folder, skip_bad=skip_bad)
            index = index or _build(folder, utterances, sampling_rate, progress, skip_bad=skip_bad, threads=threads)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(index.lengths)[:-1]])
    mark = fingerprint(utterances, index.digests, index.bad)
    return AudioStore(folder / _SAMPLES, starts, index.lengths, mark, index.bad, index.digests)


def _load(folder: Path, *, skip_bad: bool) -> _Index | None:
    """Load an index; None where the store is missing, damaged or lacks clips that must be there."""
    try:
        bad = json.loads((folder / "bad.json").read_text(encoding="utf-8"))
        index = _Index(np.load(folder / "lengths.npy"), np.load(folder / "digests.npy"), bad)
        whole = (folder / _SAMPLES).stat().st_size == 2 * index.lengths.sum()
    except (OSError, ValueError, EOFError):
        return None
    return index if whole and (skip_bad or not bad) else None


def _key(utterances: Iterable[Utterance], sampling_rate: int) -> str:
    files = ((os.path.abspath(u.file), u.start, u.end) for u in utterances)  # noqa: PTH100 - much faster than pathlib's
    content = json.dumps([_FORMAT, sampling_rate, [(*file, *_state(file[0])) for file in files]])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _state(file: str) -> tuple[int, int]:
    try:
        found = os.stat(file)  # noqa: PTH116 - much faster than pathlib's
    except (OSError, ValueError):
        return (-1, -1)  # reported with all other bad files when it is read
    return (found.st_size, found.st_mtime_ns)


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
) -> _Index:
    pending = folder.with_suffix(".pending")
    shutil.rmtree(pending, ignore_errors=True)  # of a build that was killed
    pending.mkdir()
    index = _Index(np.zeros(len(utterances), np.int64), np.zeros((len(utterances), 32), np.uint8), {})
    with (pending / _SAMPLES).open("wb") as out:
        for place, clip in enumerate(_clips(utterances, sampling_rate, threads)):
            if isinstance(clip, AudioError):
                index.bad[utterances[place].name] = str(clip)
            else:
                clip.samples.tofile(out)
                index.lengths[place] = len(clip.samples)
                index.digests[place] = np.frombuffer(clip.digest, np.uint8)
            if progress:
                progress(place + 1, len(utterances))
    if index.bad and not (skip_bad and index.lengths.any()):
        shutil.rmtree(pending)
        raise AudioError(_table(utterances, index.bad))
    _save(index, pending)
    shutil.rmtree(folder, ignore_errors=True)  # a damaged one
    pending.rename(folder)
    return index


def _save(index: _Index, folder: Path) -> None:
    np.save(folder / "lengths.npy", index.lengths)
    np.save(folder / "digests.npy", index.digests)
    (folder / "bad.json").write_text(json.dumps(index.bad), encoding="utf-8")


def _table(utterances: Sequence[Utterance], bad: Mapping[str, str]) -> str:
    reasons = {str(utterance.file): bad[utterance.name] for utterance in utterances if utterance.name in bad}
    width = max(map(len, reasons))
    rows = (f"\n  {file:{width}}  {reason}" for file, reason in reasons.items())
    count = f"{len(reasons)} bad audio files (of {len(utterances)} clips)"
    return f"{count}; replace them or take them out of the corpus:{''.join(rows)}"


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
