"""Listening: one clip as every condition leaves it, as WAV files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from emonet_bench.model_card.clips import CardClips
from emonet_bench.model_card.perturbations import Condition


def write_variants(clips: CardClips, conditions: Sequence[Condition], directory: Path) -> int:
    """Write the first clip as it is and under each condition; return how many files there are.

    Args:
        clips: At least one.
        conditions: What is done.
        directory: Where the files go; it exists. They are called after the conditions.
    """
    clip, name, rate = clips.waveform(0), clips.utterances[0].name, clips.sampling_rate
    variants = {"as it is": clip, **{one.name: one.apply(clip, rate, name) for one in conditions}}
    for title, samples in variants.items():
        stem = re.sub(r"[^0-9A-Za-z.+-]+", "-", title).strip("-")
        soundfile.write(directory / f"{stem}.wav", np.clip(samples, -1, 1).T, rate, subtype="PCM_16")
    return len(variants)
