"""A small formant synthesiser: glottal pulses and noise through a cascade of resonators, many voices side by side.

Source: the polynomial glottal flow derivative of Klatt & Klatt, "Analysis, synthesis, and perception of voice quality
variations among female and male talkers" (JASA 87, 1990), a simpler relation of Fant, Liljencrants & Lin, "A
four-parameter model of glottal flow" (STL-QPSR 4, 1985). Filter and 5 ms frames: Klatt, "Software for a
cascade/parallel formant synthesizer" (JASA 67, 1980).

Arrays are time-major, (frames, voices) and (samples, voices): the recursion runs over time for all voices at once.
Every random number comes from a bit generator's raw stream, which NumPy keeps stable over its versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

RATE = 16_000
FRAME = 80  # samples of a control frame: 5 ms
_TILT_AT = 3000.0  # Hz where the spectral tilt is measured (Klatt, 1980)


class Draws:
    """Uniform random numbers in [-1, 1), the same everywhere for a seed."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def __call__(self, *shape: int) -> Array:
        """Draw an array."""
        raw = self._bits.random_raw(int(np.prod(shape, dtype=np.int64)))
        drawn: Array = (raw >> np.uint64(11)).astype(np.float64).reshape(shape) * 2.0**-52 - 1.0
        return drawn


@dataclass(frozen=True)
class Score:
    """What the voices do, frame by frame; F frames, V voices.

    Attributes:
        pitch: (F, V) fundamental frequency in Hz.
        voicing: (F, V) amplitude of the glottal source.
        breath: (F, V) amplitude of aspiration noise relative to it.
        frication: (F, V) amplitude of fricative noise relative to the voiced sound's root mean square.
        formants: (4, F, V) in Hz.
        hiss: (F, V) centre of the fricative noise in Hz.
        tilt: (F, V) attenuation of the source at 3 kHz in dB, above 0.
        open_quotient: (F, V) open share of the glottal cycle, between 0 and 1.
    """

    pitch: Array
    voicing: Array
    breath: Array
    frication: Array
    formants: Array
    hiss: Array
    tilt: Array
    open_quotient: Array


def sing(score: Score, draws: Draws) -> Array:
    """Synthesise (samples, voices) from a score."""
    phase = np.cumsum(_held(score.pitch) / RATE, axis=0) % 1.0
    opening = phase / _held(score.open_quotient)  # from 0 to 1 while the glottis is open
    is_open = opening < 1.0
    pulse = np.where(is_open, (2.0 - 3.0 * opening) * opening, 0.0)
    pulse += draws(*pulse.shape) * np.where(is_open, 1.0, 0.3) * _held(score.breath)
    pulse *= _ramped(score.voicing)
    noise = draws(*pulse.shape)
    noise *= _ramped(score.frication)
    voiced, hissed = _filtered(pulse, noise, _coefficients(score))
    hissed *= np.sqrt(np.mean(voiced**2, axis=0))
    return voiced + hissed


def _held(track: Array) -> Array:
    return np.repeat(track, FRAME, axis=0)


def _ramped(track: Array) -> Array:
    """Interpolate linearly from each frame to the next: steps in amplitude would click."""
    step = np.diff(track, axis=0, append=track[-1:])
    ramp = np.arange(FRAME) / FRAME
    return (track[:, None] + step[:, None] * ramp[:, None]).reshape(-1, track.shape[1])


def _coefficients(score: Score) -> Array:
    """Return (F, 3, stages, V): a, b, c of y[n] = a x[n] + b y[n-1] + c y[n-2] for tilt, four formants and the hiss."""
    gain = 10.0 ** (-score.tilt / 10.0)
    inner = 1.0 - gain * np.cos(2.0 * np.pi * _TILT_AT / RATE)
    pole = (inner - np.sqrt(inner**2 - (1.0 - gain) ** 2)) / (1.0 - gain)
    stages = [(1.0 - pole, pole, np.zeros_like(pole))]
    stages += [_resonator(score.formants[n], width) for n, width in enumerate((70.0, 90.0, 150.0, 250.0))]
    _, b, c = _resonator(score.hiss, 1200.0)
    stages += [(np.sqrt((1.0 + c) * ((1.0 - c) ** 2 - b**2) / (1.0 - c)), b, c)]  # white noise keeps its power
    return np.ascontiguousarray(np.stack([np.stack(kind, axis=1) for kind in zip(*stages, strict=True)], axis=1))


def _resonator(frequency: Array, bandwidth: float) -> tuple[Array, Array, Array]:
    """Klatt (1980), equation 2: unity gain at 0 Hz."""
    decay = np.exp(-np.pi * bandwidth / RATE)
    b = 2.0 * decay * np.cos(2.0 * np.pi * frequency / RATE)
    c = np.full_like(b, -(decay**2))
    return 1.0 - b - c, b, c


def _filtered(pulse: Array, noise: Array, coefficients: Array) -> tuple[Array, Array]:
    """Run the cascade for the pulses and the hiss resonator for the noise, all voices in step.

    Each stage takes the stage before it one sample late, so that all stages advance at once. Works in place.
    """
    stages, voices = coefficients.shape[2:]
    inputs, last, older, spare = (np.zeros((stages, voices)) for _ in range(4))
    for frame, (a, b, c) in enumerate(coefficients):
        for n in range(frame * FRAME, (frame + 1) * FRAME):
            inputs[0], inputs[1:-1], inputs[-1] = pulse[n], last[:-2], noise[n]
            older *= c
            np.multiply(b, last, out=spare)
            older += spare
            np.multiply(a, inputs, out=spare)
            older += spare
            last, older = older, last
            pulse[n], noise[n] = last[-2], last[-1]
    return pulse, noise
