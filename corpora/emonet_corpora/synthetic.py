"""The generated demo corpora: imaginary speakers act emotions after the acoustic correlates found in real voices.

Directions and rough sizes of the effects: Murray & Arnott, "Toward the simulation of emotion in synthetic speech" (JASA
93, 1993); Banse & Scherer, "Acoustic profiles in vocal emotion expression" (JPSP 70, 1996), for cold anger, anxiety and
boredom too; Juslin & Laukka, "Communication of emotions in vocal expression and music performance" (Psychological
Bulletin 129, 2003); Scherer, "Vocal communication of emotion" (Speech Communication 40, 2003). Vowels: Peterson &
Barney (JASA 24, 1952). The audio shows that a pipeline works; it says nothing about real voices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile

from emonet_corpora.voice import FRAME, RATE, Draws, Score, sing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from emonet_corpora.demo import Recipe
    from emonet_corpora.voice import Array

# What a performance departs in from the speaker's own neutral voice.
QUANTITIES = {
    "level": 1.0,  # semitones of F0
    "span": 0.30,  # octaves of the F0 excursions' size
    "final": 1.0,  # semitones of the last syllable's movement
    "loudness": 2.5,  # dB
    "rate": 0.10,  # octaves of the speaking rate
    "tilt": 1.7,  # dB of spectral tilt
    "openness": 0.035,  # open quotient
    "breath": 0.4,  # octaves of aspiration noise
    "jitter": 0.4,  # octaves of the cycle-to-cycle disturbance
    "formants": 0.035,  # octaves of the first formant (jaw and lips)
}
"""The quantities and by how much (at most) single clips, and a speaker's habits for an emotion, deviate in each."""

EMOTIONS = {
    #            level  span  final loud  rate   tilt  open   breath jitter formants
    "anger": (4.0, 0.7, -1.0, 8.0, 0.20, -6.0, -0.12, -1.0, 0.5, 0.10),
    "anxiety": (4.0, -0.2, 1.5, 0.0, 0.30, -1.0, 0.05, 1.0, 1.4, 0.00),
    "boredom": (-2.0, -1.0, -1.5, -4.0, -0.40, 4.0, 0.06, 0.4, 0.0, -0.05),
    "fear": (6.0, -0.3, 2.0, 1.0, 0.30, -1.0, 0.06, 1.0, 1.5, -0.03),
    "happiness": (4.0, 0.8, 3.0, 5.0, 0.12, -3.0, 0.00, 0.0, 0.0, 0.12),
    "irritation": (1.5, 0.5, -2.0, 5.0, 0.10, -6.0, -0.12, -0.8, 0.3, 0.08),
    "neutral": (0.0,) * len(QUANTITIES),
    "sadness": (-2.0, -0.8, -2.0, -6.0, -0.38, 6.0, 0.10, 1.5, 0.5, -0.06),
}
"""Mean departure of each emotion, in the units of ``QUANTITIES``."""

# First three formants of an adult male, Hz.
VOWELS = {
    "a": (730.0, 1090.0, 2440.0),
    "e": (530.0, 1840.0, 2480.0),
    "i": (270.0, 2290.0, 3010.0),
    "o": (570.0, 840.0, 2410.0),
    "u": (300.0, 870.0, 2240.0),
}
# Voicing, frication and the centre of its noise in Hz.
CONSONANTS = {
    "f": (0.0, 0.25, 4200.0),
    "s": (0.0, 0.4, 5500.0),
    "x": (0.0, 0.35, 3000.0),
    "t": (0.0, 0.05, 4500.0),
    "l": (0.6, 0.0, 3000.0),
    "m": (0.4, 0.0, 3000.0),
    "n": (0.45, 0.0, 3000.0),
}
_MURMUR = (280.0, 1300.0, 2300.0)  # formants while the mouth is nearly closed
_FOURTH = 3500.0
_LOUDNESS = -29.0  # dB below full scale, root mean square of a neutral clip
_EDGE = 8  # frames of silence around a clip
_VOWEL, _CONSONANT = 38.0, 17.0  # frames
_SPAN = 2.5  # semitones from an unstressed to a stressed syllable
_COLUMNS = ("voicing", "frication", "hiss", "first", "second", "third", "stress", "ending")


def generate(recipe: Recipe, folder: Path) -> None:
    """Write every clip of a demo corpus as 16-bit WAV, the same bits on every run."""
    draws = Draws(recipe.seed)
    departures = _departures(recipe, draws)
    score, lengths = _score(recipe, departures, draws)
    waves = sing(score, draws)  # (samples, clips)
    waves *= 10.0 ** ((departures[:, list(QUANTITIES).index("loudness")] + _LOUDNESS) / 20.0) / _level(waves, lengths)
    waves += 10.0 ** (-recipe.noise / 20.0) * draws(*waves.shape)
    if recipe.telephone:
        waves = _telephone(waves)
    for clip, (speaker, label, text) in enumerate(recipe.clips()):
        samples = np.rint(waves[: lengths[clip], clip].clip(-1.0, 1.0) * 32767.0).astype(np.int16)
        soundfile.write(folder / f"{speaker}_{label}_{text}.wav", samples, RATE)


def _departures(recipe: Recipe, draws: Draws) -> Array:
    """Return (clips, quantities): emotion times the speaker's expressiveness, the speaker's habits, and chance."""
    speakers, labels, texts = len(recipe.speakers), len(recipe.labels), len(recipe.texts)
    emotions = np.array([EMOTIONS[label] for label in recipe.labels])  # (labels, quantities)
    deviation = np.array(list(QUANTITIES.values()))
    expressiveness = 1.0 + 0.25 * draws(speakers, 1, 1, 1)
    habits = deviation * (draws(speakers, labels, 1, len(deviation)) + draws(speakers, 1, 1, len(deviation)))
    chance = deviation * draws(speakers, labels, texts, len(deviation))
    return (emotions[:, None] * expressiveness + habits + chance).reshape(-1, len(deviation))


def _score(recipe: Recipe, departures: Array, draws: Draws) -> tuple[Score, NDArray[np.int64]]:
    """Write the score of all clips, and their lengths in samples (clips,)."""
    clips = list(recipe.clips())
    value = dict(zip(QUANTITIES, departures.T, strict=True))  # each (clips,)
    segments = [
        _segments(recipe.texts[text], 2.0**-rate) for (_, _, text), rate in zip(clips, value["rate"], strict=True)
    ]
    lengths = np.array([len(rows) for rows in segments])
    track = _tracks(segments, int(lengths.max()))
    pitch, tract = np.array([recipe.speakers[speaker] for speaker, _, _ in clips]).T  # each (clips,)
    shape = (int(lengths.max()), len(clips))
    contour = (
        value["level"]
        + _SPAN * 2.0 ** value["span"] * (_smooth(track["stress"], 25) - 0.5)
        + value["final"] * _smooth(track["ending"], 25)
        - 1.5 * np.arange(shape[0])[:, None] / lengths  # declination
    )
    jaw = 2.0 ** np.stack([value["formants"], value["formants"] / 3.0, np.zeros(len(clips))])[:, None]
    formants = np.stack([_smooth(track[name], 9) for name in ("first", "second", "third")]) * jaw * tract
    score = Score(
        pitch=pitch * 2.0 ** (contour / 12.0) * (1.0 + 0.006 * 2.0 ** value["jitter"] * draws(*shape)),
        voicing=_smooth(track["voicing"], 5) * (1.0 + 0.03 * 2.0 ** value["jitter"] * draws(*shape)),
        breath=np.broadcast_to(0.06 * 2.0 ** value["breath"], shape),
        frication=_smooth(track["frication"], 5),
        formants=np.concatenate([formants, np.broadcast_to(_FOURTH * tract, (1, *shape))]),
        hiss=track["hiss"],
        tilt=np.broadcast_to((9.0 + value["tilt"]).clip(0.5, 30.0), shape),
        open_quotient=np.broadcast_to((0.58 + value["openness"]).clip(0.35, 0.9), shape),
    )
    return score, lengths * FRAME


def _segments(text: str, stretch: float) -> Array:
    """Lay a text out in frames: (frames, columns)."""
    silence = (0.0, 0.0, 3000.0, *_MURMUR, 0.5, 0.0)
    rows, frames = [silence], [_EDGE]
    syllables = text.split("-")
    for number, syllable in enumerate(syllables, start=1):
        consonant, vowel = tuple(syllable)
        stress, ending = float(vowel.isupper()), float(number == len(syllables))
        rows.append((*CONSONANTS[consonant], *_MURMUR, stress, ending))
        rows.append((1.0, 0.0, 3000.0, *VOWELS[vowel.lower()], stress, ending))
        frames += [round(_CONSONANT * stretch), round(_VOWEL * stretch * (1.3 if stress or ending else 1.0))]
    return np.repeat(np.array([*rows, silence]), [*frames, _EDGE], axis=0)


def _tracks(segments: list[Array], frames: int) -> dict[str, Array]:
    """Stack clips side by side, silent past their ends: (frames, clips) for each column."""
    padded = [np.concatenate([rows, np.repeat(rows[-1:], frames - len(rows), axis=0)]) for rows in segments]
    return dict(zip(_COLUMNS, np.moveaxis(np.stack(padded, axis=1), 2, 0), strict=True))


def _smooth(track: Array, width: int) -> Array:
    """Average over an odd number of frames, ends held: (frames, clips)."""
    held = np.pad(track, ((width // 2 + 1, width // 2), (0, 0)), mode="edge")
    total = np.cumsum(held, axis=0)
    averaged: Array = (total[width:] - total[:-width]) / width
    return averaged


def _level(waves: Array, lengths: NDArray[np.int64]) -> Array:
    """Root mean square of each clip, (clips,)."""
    level: Array = np.sqrt(np.sum(waves**2, axis=0) / lengths)
    return level


def _telephone(waves: Array) -> Array:
    """Keep what a telephone lets through, 300 to 3400 Hz."""
    spectrum = np.fft.rfft(waves, axis=0)
    frequency = np.fft.rfftfreq(len(waves), 1.0 / RATE)[:, None]
    spectrum *= 1.0 / (1.0 + (300.0 / np.maximum(frequency, 1.0)) ** 8) / (1.0 + (frequency / 3400.0) ** 16)
    heard: Array = np.fft.irfft(spectrum, len(waves), axis=0)
    return heard
