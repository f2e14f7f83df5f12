"""The description of an exported file, ``model.json`` beside ``model.onnx``: what clients in any language must know.

It holds the file's metadata and SHA-256, its inputs and outputs, what is heard of a clip, how to resample, and test
vectors: what the file says of a synthetic waveform, at its own sampling rate and at another one.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emonet_bench.audio.decoding import resampled
from emonet_bench.deploy.metadata import Facts, in_words, read_facts
from emonet_bench.deploy.session import open_session
from emonet_bench.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from emonet_bench.deploy.runtime import onnxruntime
    from emonet_bench.types import InputSpec

FORMAT = 1
"""Version of the description."""

RESAMPLING = (
    "Average the channels and resample with soxr at quality HQ, as in training, or with another windowed sinc. Linear "
    "interpolation from 8 kHz leaves mirror images and changes labels."
)
FORMULA = "x[n] = sum of amplitude * sin(2 * pi * frequency * n / sampling_rate), n from 0 to seconds * sampling_rate"

_SECONDS = 1.0
_PITCHES = (150, 193)  # Hz; two voices beat, so that the waveform changes over time
_BAND = 0.45  # of a sampling rate: the highest frequency
_OTHER_RATES = (8_000, 16_000)
_TOLERANCE = 1e-3  # ten times that of the gate: runtimes differ in the order of sums
_RESAMPLED = 0.01  # another sinc than that of soxr passes
_INT8 = 0.05  # processors round and saturate 8 bits differently
_NUMBERS = re.compile(r"\[\n([-+.\de,\s]+)\]")  # a list of nothing else fits into a line


class Signal(NamedTuple):
    """A synthetic waveform that every language makes in three lines.

    Attributes:
        seconds: Its length.
        sines: Frequency in Hz and amplitude of each sine.
    """

    seconds: float
    sines: Sequence[tuple[float, float]]

    def at(self, sampling_rate: int) -> NDArray[np.float32]:
        """Return the waveform (S,) at a sampling rate.

        >>> Signal(0.5, [(1, 2.0)]).at(8).round(3).tolist()
        [0.0, 1.4140000343322754, 2.0, 1.4140000343322754]
        """
        times = np.arange(round(self.seconds * sampling_rate)) / sampling_rate
        waveform = np.zeros(len(times))
        for frequency, amplitude in self.sines:
            waveform += amplitude * np.sin(2 * np.pi * frequency * times)
        return waveform.astype(np.float32)


def description_path(model: Path) -> Path:
    """Return where a file's description lies: ``model.json`` beside ``model.onnx``."""
    return model.with_suffix(".json")


def describe(model: Path, name: str, more: Mapping[str, Any] | None = None) -> str:
    """Write the description of an exported file as JSON.

    Args:
        model: The file, wherever it lies now.
        name: What it will be called.
        more: Further entries, such as a comparison with another file.

    Raises:
        ConfigError: The file is not one of ours.
    """
    session = open_session(model, "cpu")
    metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    facts = read_facts(model, metadata)
    spec, rates = facts.input_spec, _rates(facts.input_spec)
    signal = _signal(min(rates))
    told = {
        "format": FORMAT,
        "file": name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "labels": facts.labels,
        "input": {"sampling_rate": spec.sampling_rate, "channels": 1, "range": [-1, 1], "resampling": RESAMPLING},
        "heard": {"window": _seconds(spec.window, spec), "hop": _seconds(spec.hop, spec), "words": in_words(spec)},
        "inputs": [_value(value) for value in session.get_inputs()],
        "outputs": [_value(value) for value in session.get_outputs()],
        "metadata": decoded(metadata),
        **(more or {}),
        "test_signal": {"formula": FORMULA, **signal._asdict()},
        "test_vectors": [_vector(session, facts, signal, rate, metadata) for rate in rates],
    }
    text = json.dumps(told, ensure_ascii=False, allow_nan=False, indent=2)
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def decoded(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Turn metadata into what JSON can say: lists and objects as such, everything else as text."""
    return {name: _structure(text) for name, text in sorted(metadata.items())}


def output_of(facts: Facts) -> str:
    """Name the output that holds a file's predictions."""
    return facts.target.output if facts.target else "probabilities"


def probabilities_of(
    session: onnxruntime.InferenceSession, facts: Facts, signal: Signal, rate: int
) -> dict[str | None, list[float]]:
    """Score a waveform that is made at some rate; of a bank for each task, else for None.

    Raises:
        AudioError: It cannot be resampled, or onnxruntime cannot run the model.
    """
    waveform = resampled(signal.at(rate), rate, facts.input_spec.sampling_rate)
    given: dict[str, Any] = {"waveform": waveform[None], "lengths": np.array([len(waveform)])}
    taken = {value.name for value in session.get_inputs()}
    tasks = facts.labels if isinstance(facts.labels, dict) else {None: facts.labels}
    found = {}
    for number, (task, labels) in enumerate(tasks.items()):
        feed = {name: array for name, array in {**given, "task": np.array(number)}.items() if name in taken}
        try:
            (rows,) = session.run([output_of(facts)], feed)
        except Exception as error:  # onnxruntime's exceptions share no parent
            raise AudioError(f"onnxruntime cannot run it ({str(error).strip().partition(chr(10))[0]})") from error
        found[task] = rows[0, : len(labels)].tolist()
    return found


def _vector(
    session: onnxruntime.InferenceSession, facts: Facts, signal: Signal, rate: int, metadata: Mapping[str, str]
) -> dict[str, Any]:
    found = probabilities_of(session, facts, signal, rate)
    own = _TOLERANCE if rate == facts.input_spec.sampling_rate else _RESAMPLED
    tolerance = max(own, _INT8) if metadata.get("quantisation") else own
    return {"sampling_rate": rate, output_of(facts): found.get(None, found), "tolerance": tolerance}


def _rates(spec: InputSpec) -> tuple[int, int]:
    """Return the model's rate and another one."""
    return spec.sampling_rate, next(rate for rate in _OTHER_RATES if rate != spec.sampling_rate)


def _signal(lowest_rate: int) -> Signal:
    """Make two voices of harmonics that the lowest of the rates can hold."""
    highest = _BAND * min(lowest_rate, *_OTHER_RATES)
    harmonics = ((pitch * k, k) for pitch in _PITCHES for k in range(1, int(highest / pitch) + 1))
    return Signal(_SECONDS, [(float(frequency), round(0.04 / math.sqrt(k), 4)) for frequency, k in harmonics])


def _seconds(samples: int | None, spec: InputSpec) -> float | None:
    return None if samples is None else samples / spec.sampling_rate


def _value(value: Any) -> dict[str, Any]:
    kind = value.type.removeprefix("tensor(").removesuffix(")")
    return {"name": value.name, "type": {"float": "float32"}.get(kind, kind), "shape": value.shape}


def _structure(text: str) -> Any:
    try:
        return json.loads(text) if text.startswith(("[", "{")) else text
    except (ValueError, RecursionError):
        return text
