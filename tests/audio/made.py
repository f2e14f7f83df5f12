"""Audio files made for tests: sound, cut, lying and odd ones."""

import io

import numpy as np
import soundfile


def sound(seconds, rate=16_000, seed=0):
    """A tone with noise whose loudness changes, so that variable bit rates vary."""
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 220 * time) + 0.1 * np.random.default_rng(seed).standard_normal(len(time))
    return (tone * np.where((time // 1) % 3 == 1, 1, 0.01)).astype(np.float32)


def encoded(samples, rate=16_000, **form):
    """The content of a file."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, **{"format": "WAV", **form})
    return stream.getvalue()


def mp3(samples, mode="VARIABLE", rate=44_100):
    """An MP3 file, and where the frame that describes the others begins and ends."""
    content = encoded(samples, rate, format="MP3", bitrate_mode=mode, compression_level=0.3)
    start = content.find(b"\xff\xfb")
    return content, start, content.find(b"\xff\xfb", start + 4)


def flac_of_unknown_length(samples, rate=16_000):
    """A valid FLAC file whose header says zero samples, as writers to a pipe leave it."""
    content = bytearray(encoded(samples, rate, format="FLAC"))
    known = int.from_bytes(content[18:26], "big")
    content[18:26] = (known & ~((1 << 36) - 1)).to_bytes(8, "big")
    return bytes(content)


def pages(content):
    """Where the pages of an Ogg file begin."""
    return [place for place in range(len(content)) if content[place : place + 4] == b"OggS"]
