"""Spoilt audio files: each is refused in one line, or heard as finite mono audio, whatever was changed in it."""

import io
import random

import numpy as np
import pytest

from emonet_bench.audio.decoding import MOST_SAMPLES, resampled
from emonet_bench.audio.excerpts import decoded
from emonet_bench.errors import AudioError
from tests.audio.made import encoded, flac_of_unknown_length, mp3, sound

RATE = 16_000
TRIALS = 100
EXTREMES = [bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x01\x00\x00\x00", b"\x00\x00\x00\x01"]
BOTH = np.stack([sound(1.5), sound(1.5, seed=1)], 1)
FILES = {
    "wav": encoded(BOTH),
    "float": encoded(BOTH, subtype="FLOAT"),
    "adpcm": encoded(BOTH, subtype="IMA_ADPCM"),
    "rf64": encoded(BOTH, format="RF64"),
    "w64": encoded(BOTH, format="W64"),
    "aiff": encoded(BOTH, format="AIFF"),
    "au": encoded(BOTH, format="AU"),
    "caf": encoded(BOTH, format="CAF"),
    "flac": encoded(BOTH, format="FLAC"),
    "flac of unknown length": flac_of_unknown_length(BOTH),
    "vorbis": encoded(BOTH, format="OGG", subtype="VORBIS"),
    "opus": encoded(np.repeat(BOTH, 3, 0), 48_000, format="OGG", subtype="OPUS"),
    "mp3": mp3(sound(3, 44_100))[0],
    "mp3 without Xing": mp3(sound(3, 44_100))[0][mp3(sound(3, 44_100))[2] :],
}


def spoilt(content, chance):
    """Change a file in one of five ways; headers more often than what follows."""
    content = bytearray(content)
    end = chance.choice([64, 256, len(content)])
    for _ in range(chance.choice([1, 1, 2, 8])):
        place = chance.randrange(min(end, len(content) or 1))
        way = chance.randrange(5)
        if way == 0:
            content[place : place + 1] = chance.randbytes(1)
        elif way == 1:
            content[place : place + 4] = chance.choice(EXTREMES)
        elif way == 2:
            del content[chance.randrange(1, max(2, len(content))) :]
        elif way == 3:
            content[place:place] = chance.randbytes(chance.randrange(1, 40))
        else:
            del content[place : place + chance.randrange(1, 40)]
    return bytes(content)


def heard(content):
    """Return the line by which a file is refused, or None where it is audio."""
    try:
        samples, rate = decoded(io.BytesIO(content), 0, None)
        samples = resampled(samples, rate, RATE)
    except AudioError as error:
        return str(error)
    assert samples.ndim == 1
    assert samples.dtype == np.float32
    assert 0 < len(samples) <= MOST_SAMPLES
    assert np.isfinite(samples).all()
    return None


@pytest.mark.parametrize("form", FILES)
def test_a_spoilt_file_is_one_line_or_audio(form):
    chance = random.Random(form)
    lines = [heard(spoilt(FILES[form], chance)) for _ in range(TRIALS)]
    refused = [line for line in lines if line is not None]
    assert refused
    assert all(line and "\n" not in line for line in refused)


def test_the_files_themselves_are_audio():
    assert [heard(content) for content in FILES.values()] == [None] * len(FILES)


def test_noise_is_refused():
    chance = random.Random(0)
    lines = [heard(chance.randbytes(chance.randrange(5_000))) for _ in range(TRIALS)]
    assert all(lines)
