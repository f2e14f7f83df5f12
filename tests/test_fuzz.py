"""Broken files of every kind end in one of our errors that names the file: never in a traceback."""

from pathlib import Path

import numpy as np
import soundfile

from emonet_bench.audio import read
from emonet_bench.audit import ClipStats, clip_stats
from emonet_bench.config import parse, read_toml
from emonet_bench.errors import AudioError, EmonetBenchError
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.types import Utterance

MATRICES = Path(__file__).parents[1] / "emonet_bench" / "cli" / "demo.toml"


def mutated(content, draw):
    """Flip bytes, cut, double, insert or zero a stretch, from one to four times."""
    data = bytearray(content)
    for _ in range(draw.integers(1, 5)):
        place, length = int(draw.integers(0, max(1, len(data)))), int(draw.integers(1, 64))
        kind = draw.integers(6)
        if kind == 0:
            data[place : place + 1] = draw.bytes(1)
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            del data[place : place + length]
        elif kind == 3:
            data[place:place] = draw.bytes(length)
        elif kind == 4:
            data[place : place + length] = bytes(length)
        else:
            data[place:place] = data[place : place + length]
    return bytes(data)


def complaint(call):
    """Return the message of our error, or None; any other error is the test's failure."""
    try:
        call()
    except EmonetBenchError as error:
        return str(error)
    return None


def test_no_mutated_audio_file_ends_in_a_traceback(tmp_path):
    draw = np.random.default_rng(0)
    sources = []
    for suffix in ("wav", "flac", "ogg", "mp3", "aiff"):
        path = tmp_path / f"source.{suffix}"
        soundfile.write(path, 0.3 * draw.standard_normal(2400), 16_000)
        sources.append((suffix, path.read_bytes()))
    failed = 0
    for number in range(500):
        suffix, content = sources[number % len(sources)]
        path = tmp_path / f"{number}.{suffix}"
        head = number % 3 == 0  # headers break more than samples do
        path.write_bytes(mutated(content[:128], draw) + content[128:] if head else mutated(content, draw))
        said = complaint(lambda path=path: check(read(path, 16_000)))
        if said is not None:
            failed += 1
            assert said.startswith(f"{path}: ")
            assert "\n" not in said
        assert isinstance(clip_stats(Utterance(path.name, path, "a")), ClipStats | AudioError)
    assert 100 < failed < 500


def check(samples):
    assert np.isfinite(samples).all()
    assert len(samples)


def test_no_mutated_matrix_file_ends_in_a_traceback(tmp_path):
    draw = np.random.default_rng(2)
    failed = 0
    for number in range(50):
        path = tmp_path / f"{number}.toml"
        path.write_bytes(mutated(MATRICES.read_bytes(), draw))
        said = complaint(lambda path=path: parse(Matrix, read_toml(path), str(path)))
        if said is not None:
            failed += 1
            assert said.startswith(str(path))
    assert failed > 5
