"""Out of domain: what a model says of silence, noise, tones and other corpora, and how sure it is of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from emonet_bench.deploy import Predictor
from emonet_bench.model_card.clips import CardClips, Floats
from emonet_bench.model_card.perturbations import pink_noise, white_noise
from emonet_bench.model_card.record import Elsewhere
from emonet_bench.model_card.scoring import Probabilities, Scored, probabilities

_CLIPS = 12
_SECONDS = 3.0
_LEVEL = 0.1
_CHORDS = ((0, 4, 7), (0, 3, 7), (0, 5, 9), (0, 4, 7, 11))  # semitones
_OVERTONES = 4
_MOST = 100


def out_of_domain(predictor: Predictor, scored: Scored, others: Mapping[str, CardClips]) -> list[Elsewhere]:
    """Score sounds that a model was not made for.

    Args:
        predictor: The deployed file.
        scored: The clips that it was made for, to compare with.
        others: Clips of other corpora, by name; of each at most a hundred are scored.
    """
    rate = scored.clips.sampling_rate
    found = [_elsewhere("the clips themselves", scored.labels, scored.probabilities)]
    for kind, waveforms in signals(rate).items():
        found.append(_elsewhere(kind, scored.labels, probabilities(predictor, waveforms, rate)))
    for name, clips in others.items():
        some = clips.spread(_MOST)
        found.append(_elsewhere(f"corpus {name}", scored.labels, probabilities(predictor, some, rate)))
    return found


def signals(sampling_rate: int) -> dict[str, list[Floats]]:
    """Make sounds that hold no speech, a dozen of each kind, of three seconds."""
    generator = np.random.default_rng(0)
    count = round(_SECONDS * sampling_rate)
    return {
        "silence": [np.zeros(round(count * part), np.float32) for part in np.linspace(0.3, 2, _CLIPS)],
        "white noise": [_LEVEL * white_noise(count, generator) for _ in range(_CLIPS)],
        "pink noise": [_level(pink_noise(count, generator)) for _ in range(_CLIPS)],
        "mains hum": [_level(_tone(count, sampling_rate, hertz, 8)) for hertz in np.linspace(49, 61, _CLIPS)],
        "chords": [_level(sum_of(chord)) for chord in _chords(count, sampling_rate, generator)],
        "clicks": [_clicks(count, generator) for _ in range(_CLIPS)],
    }


def sum_of(parts: Sequence[Floats]) -> Floats:
    """Add waveforms (S,)."""
    total: Floats = np.sum(parts, axis=0, dtype=np.float32)
    return total


def _tone(count: int, sampling_rate: int, hertz: float, overtones: int) -> Floats:
    """Make a tone with those of its overtones that the band holds, each weaker than the one before."""
    phase = 2 * np.pi * hertz * np.arange(count) / sampling_rate
    held = [k for k in range(1, overtones + 1) if k * hertz < sampling_rate / 2]
    return sum_of([(np.sin(k * phase) / k).astype(np.float32) for k in held] or [np.zeros(count, np.float32)])


def _chords(count: int, sampling_rate: int, generator: np.random.Generator) -> Iterator[list[Floats]]:
    fade = np.exp(-np.arange(count) / sampling_rate).astype(np.float32)
    for number in range(_CLIPS):
        ground = generator.uniform(110, 330)
        yield [
            fade * _tone(count, sampling_rate, ground * 2 ** (step / 12), _OVERTONES)
            for step in _CHORDS[number % len(_CHORDS)]
        ]


def _clicks(count: int, generator: np.random.Generator) -> Floats:
    train = np.zeros(count, np.float32)
    train[generator.integers(count, size=20)] = 0.5
    return train


def _level(clip: Floats) -> Floats:
    return clip * np.float32(_LEVEL / max(float(np.sqrt(np.mean(np.square(clip)))), 1e-9))


def _elsewhere(kind: str, labels: Sequence[str], table: Probabilities) -> Elsewhere:
    surprise = -(table * np.log(np.maximum(table, 1e-12))).sum(axis=1) / np.log(len(labels))
    counts = np.bincount(table.argmax(axis=1), minlength=len(labels))
    return Elsewhere(
        kind=kind,
        clips=len(table),
        entropy=float(np.clip(surprise.mean(), 0, 1)),
        confidence=float(np.clip(table.max(axis=1).mean(), 0, 1)),
        label=labels[int(counts.argmax())],
        share=float(counts.max() / len(table)),
    )
