"""Reading audio once: a corpus's clips decoded, mixed down, resampled and kept end to end in one int16 file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
import soundfile
import soxr

from emonet_bench.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from emonet_bench.types import Utterance

_SAMPLES = "samples.int16"
_FORMAT = 1  # a new number leaves older stores alone
_SCALE = 32768
_CHUNK = 256  # clips decoded before any is written: bounds the memory of a long build
_UNKNOWN = 0x7FFFF000  # writers to a pipe put a size from here on into the header
_SLACK = 0.05  # seconds by which a table's rounded end may lie past the end of its file


@dataclass(frozen=True)
class AudioStore:
    """The audio of some utterances, ready to be memory-mapped.

    Attributes:
        path: A raw file of native int16 samples, all clips end to end.
        starts: (N,) int64, first sample of each utterance.
        lengths: (N,) int64, samples of each utterance.
        fingerprint: 16 hexadecimal digits: names, labels, speakers and decoded audio, wherever the files lie, whatever
            their (lossless) format and whatever rate they are resampled to.
    """

    path: Path
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    fingerprint: str


_Index: TypeAlias = "tuple[NDArray[np.int64], NDArray[np.uint8]]"


class _Clip(NamedTuple):
    samples: NDArray[np.int16]
    digest: bytes  # of the decoded audio, before resampling


def read(path: Path, sampling_rate: int) -> NDArray[np.float32]:
    """Read a file as (S,) float32 at a sampling rate, channels averaged.

    Raises:
        AudioError: One line that names the file and what is wrong with it.
    """
    try:
        return resampled(*_decoded(path, 0.0, None), sampling_rate)
    except AudioError as error:
        raise AudioError(f"{path}: {error}") from error


def open_store(
    corpus_name: str,
    utterances: Sequence[Utterance],
    sampling_rate: int,
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
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

    Raises:
        AudioError: Files cannot be used; the message lists every one of them with the reason.
    """
    from filelock import FileLock  # noqa: PLC0415 - reading a file needs less: emonet_bench.deploy runs without it

    folder = cache / "audio" / f"{corpus_name}-{_key(utterances, sampling_rate)}"
    index = _load(folder)
    if index is None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            index = _load(folder) or _build(folder, utterances, sampling_rate, progress)
    lengths, digests = index
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)[:-1]])
    return AudioStore(folder / _SAMPLES, starts, lengths, _fingerprint(utterances, digests))


def _load(folder: Path) -> _Index | None:
    """Load lengths (N,) and digests (N, 32); None where the store is missing or damaged."""
    try:
        lengths, digests = np.load(folder / "lengths.npy"), np.load(folder / "digests.npy")
        whole = (folder / _SAMPLES).stat().st_size == 2 * lengths.sum()
    except (OSError, ValueError, EOFError):
        return None
    return (lengths, digests) if whole else None


def _key(utterances: Iterable[Utterance], sampling_rate: int) -> str:
    files = ((os.path.abspath(u.file), u.start, u.end) for u in utterances)  # noqa: PTH100 - much faster than pathlib's
    content = json.dumps([_FORMAT, sampling_rate, [(*file, *_state(file[0])) for file in files]])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _state(file: str) -> tuple[int, int]:
    try:
        found = os.stat(file)  # noqa: PTH116 - much faster than pathlib's
    except OSError:
        return (-1, -1)  # reported with all other bad files when it is read
    return (found.st_size, found.st_mtime_ns)


def _fingerprint(utterances: Sequence[Utterance], digests: NDArray[np.uint8]) -> str:
    rows = sorted(
        (u.name, u.label, u.speaker, digest.tobytes().hex()) for u, digest in zip(utterances, digests, strict=True)
    )
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def _build(
    folder: Path, utterances: Sequence[Utterance], sampling_rate: int, progress: Callable[[int, int], None] | None
) -> _Index:
    pending = folder.with_suffix(".pending")
    shutil.rmtree(pending, ignore_errors=True)  # of a build that was killed
    pending.mkdir()
    lengths, digests, bad = [], [], {}
    with (pending / _SAMPLES).open("wb") as out:
        for done, (utterance, clip) in enumerate(_clips(utterances, sampling_rate), start=1):
            if isinstance(clip, AudioError):
                bad[str(utterance.file)] = str(clip)
            else:
                clip.samples.tofile(out)
                lengths.append(len(clip.samples))
                digests.append(np.frombuffer(clip.digest, np.uint8))
            if progress:
                progress(done, len(utterances))
    if bad:
        shutil.rmtree(pending)
        raise AudioError(_table(bad, len(utterances)))
    index = np.array(lengths, np.int64), np.array(digests)
    np.save(pending / "lengths.npy", index[0])
    np.save(pending / "digests.npy", index[1])
    shutil.rmtree(folder, ignore_errors=True)  # a damaged one
    pending.rename(folder)
    return index


def _table(bad: dict[str, str], count: int) -> str:
    width = max(map(len, bad))
    rows = (f"\n  {file:{width}}  {reason}" for file, reason in bad.items())
    return f"{len(bad)} bad audio files (of {count} clips); replace them or take them out of the corpus:{''.join(rows)}"


def _clips(utterances: Sequence[Utterance], sampling_rate: int) -> Iterator[tuple[Utterance, _Clip | AudioError]]:
    """Read clips in order, in threads: libsndfile and soxr release the GIL."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first in range(0, len(utterances), _CHUNK):
            chunk = utterances[first : first + _CHUNK]
            yield from zip(chunk, pool.map(lambda u: _clip(u, sampling_rate), chunk), strict=True)


def _clip(utterance: Utterance, sampling_rate: int) -> _Clip | AudioError:
    try:
        source, rate = _decoded(utterance.file, utterance.start, utterance.end)
    except AudioError as error:
        return error
    digest = hashlib.sha256(rate.to_bytes(4, "little") + source.astype("<f4").tobytes()).digest()
    scaled = np.rint(resampled(source, rate, sampling_rate) * _SCALE)
    samples = scaled.clip(-_SCALE, _SCALE - 1).astype(np.int16)
    return _Clip(samples, digest) if samples.any() else AudioError("silent: every sample is zero")


def resampled(source: NDArray[np.float32], rate: int, sampling_rate: int) -> NDArray[np.float32]:
    """Bring samples (S,) from their own rate to a sampling rate.

    Raises:
        AudioError: Nothing is left of them; the message names no file.
    """
    if rate == sampling_rate:
        return source
    resampled: NDArray[np.float32] = soxr.resample(source, rate, sampling_rate, quality="HQ")
    if not len(resampled):
        raise AudioError(f"too short: {len(source)} samples at {rate} Hz")
    return resampled


def _decoded(path: Path, start: float, end: float | None) -> tuple[NDArray[np.float32], int]:
    """Decode (S,) float32, channels averaged, with the file's own rate; errors leave naming the file to the caller."""
    _check_readable(path)
    try:
        with soundfile.SoundFile(path) as file:
            samples, rate = _cut(file, start, end), file.samplerate
    except (
        soundfile.SoundFileError,
        TypeError,
        RuntimeError,
    ) as error:  # TypeError: a suffix that it takes for headerless audio
        raise AudioError("not audio that libsndfile can read, or damaged") from error
    if not np.isfinite(samples).all():
        raise AudioError("holds NaN or infinite samples")
    return samples.mean(axis=1, dtype=np.float32), rate


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            empty, cut = not file.read(1), _is_cut_short(file)
    except OSError as error:
        raise AudioError(f"cannot be read: {(error.strerror or str(error)).lower()}") from error
    if empty:
        raise AudioError("empty: zero bytes")
    if cut:
        raise AudioError("truncated: holds less audio than its header says")


def _is_cut_short(file: BinaryIO) -> bool:
    """Tell whether a WAV or AIFF file ends before its audio does; libsndfile would read what is left without a word."""
    file.seek(0)
    order = {b"RIFF": "<", b"FORM": ">"}.get(file.read(12)[:4])
    while order and len(header := file.read(8)) == 8:  # noqa: PLR2004 - a chunk's name and size
        name, size = struct.unpack(f"{order}4sI", header)
        if name in {b"data", b"SSND"}:
            return size < _UNKNOWN and bool(file.tell() + size > os.fstat(file.fileno()).st_size)
        file.seek(size + size % 2, os.SEEK_CUR)
    return False


def _cut(file: Any, start: float, end: float | None) -> NDArray[np.float32]:
    """Read a stretch of an open file as (S, channels)."""
    first = round(start * file.samplerate)
    last = file.frames if end is None else round(end * file.samplerate)
    if last > file.frames + _SLACK * file.samplerate or first > file.frames:
        raise AudioError(f"too short: lasts {file.frames / file.samplerate:.3f} s, the utterance {start} to {end} s")
    wanted = min(last, file.frames) - first
    if wanted <= 0:
        raise AudioError("zero-length: no samples")
    file.seek(first)
    samples: NDArray[np.float32] = file.read(wanted, dtype="float32", always_2d=True)
    if len(samples) < wanted:
        raise AudioError("truncated: holds less audio than its header says")
    return samples
