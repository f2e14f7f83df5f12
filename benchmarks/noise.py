"""A corpus of noise of any size: clips of three seconds, cut from one file for each of ten speakers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from emonet_bench.types import Corpus, SplitRule, Utterance

RATE, SECONDS, FILE_SECONDS = 16_000, 3, 60
LABELS = ("anger", "happiness", "neutral", "sadness")
SPEAKERS = tuple(f"s{number}" for number in range(10))


def corpus(hours: float, folder: Path) -> Corpus:
    """Describe the corpus; write its files where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, speaker in enumerate(SPEAKERS):
        file = folder / f"{speaker}.wav"
        if not file.exists():
            samples = np.random.default_rng(number).integers(-8000, 8000, RATE * FILE_SECONDS, dtype=np.int16)
            soundfile.write(file, samples, RATE)
    clips = round(hours * 3600 / SECONDS)
    return Corpus(
        name="noise",
        labels=LABELS,
        load=partial(_load, folder, clips),
        protocols={"speakers": SplitRule(fixed={"train": SPEAKERS[:8], "dev": SPEAKERS[8:9], "test": SPEAKERS[9:]})},
        clips=clips,
        synthetic=True,
    )


def _load(folder: Path, clips: int) -> list[Utterance]:
    each = clips // len(SPEAKERS)  # clips of a speaker; they overlap where they are many
    return [
        Utterance(
            name=f"{speaker}-{number:06}",
            file=folder / f"{speaker}.wav",
            label=LABELS[number % len(LABELS)],
            speaker=speaker,
            start=(start := round(number * (FILE_SECONDS - SECONDS) / each, 4)),
            end=start + SECONDS,
        )
        for speaker in SPEAKERS
        for number in range(each)
    ]
