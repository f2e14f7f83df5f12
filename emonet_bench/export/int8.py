"""A smaller variant of an exported file: convolutions in 8 bits, kept only where it still says the same."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from emonet_bench.data.dataset import Clips
from emonet_bench.deploy.description import description_path
from emonet_bench.errors import ExportError
from emonet_bench.export.file import write_model
from emonet_bench.export.gate import Feed, extremes, feed, first_line, one_clip, opened, run, score_onnx
from emonet_bench.types import InputSpec

MOST_LOST = 0.02
"""UAR that a quantised variant may lose on test; where a single clip weighs more, that clip."""

_CALIBRATED = 64  # clips
_TIMED = 16  # clips
_REPEATS = 5


@dataclass(frozen=True)
class Quantised:
    """A quantised variant beside its original.

    Attributes:
        uar: UAR of both on test, the original's first.
        bytes: Sizes of both, likewise.
        speed: How many times as fast as the original it is on this machine, on one core.
    """

    uar: tuple[float, float]
    bytes: tuple[int, int]
    speed: float


def quantise(model: Path, target: Path, train: Clips, test: Clips) -> Quantised:
    """Quantise a file's convolutions to int8: static QDQ, per channel, calibrated on train clips.

    The first of several stays in float32: what it hears, a spectrogram, ranges too widely for 8 bits.

    Args:
        model: What ``export`` wrote.
        target: The variant; it appears only if it runs at all lengths and its UAR holds. An older one is removed first.
        train: Clips that show which values occur.
        test: Clips to score both on.

    Returns:
        What was measured. Nothing is refused for its speed, which depends on the processor.

    Raises:
        ExportError: There is nothing to quantise, the variant does not hold, or it cannot be written.
    """
    import onnx  # noqa: PLC0415 - slow, and needed only here

    _remove(target)
    loaded = onnx.load(model)
    convolutions = [node.name for node in loaded.graph.node if node.op_type == "Conv"]
    if not convolutions:
        raise ExportError(f"--quantize: {model} has no convolutions; keep it as it is")
    with TemporaryDirectory() as folder:
        variant = Path(folder) / "int8.onnx"
        _quantise(model, variant, train, convolutions[1:] or convolutions)
        before = score_onnx(model, test)
        try:
            after = score_onnx(variant, test)
            _check(variant, (before, after), InputSpec(train.sampling_rate), test)
        except ExportError as error:
            raise ExportError(f"--quantize: int8 is not kept: {error}") from error
        quantised = onnx.load(variant)
    told = {entry.key: entry.value for entry in loaded.metadata_props}
    del quantised.metadata_props[:]
    changed = {"quantisation": "int8", "uar_onnx": repr(after), "parity_max_delta": ""}
    onnx.helper.set_model_props(quantised, {**told, **changed})
    write_model(target, quantised.SerializeToString())
    return Quantised((before, after), (model.stat().st_size, target.stat().st_size), speed(model, target, test))


def speed(model: Path, other: Path, clips: Clips, task: int | None = None) -> float:
    """Tell how many times as fast as one file another one (a bank with a task) is: medians in turn, on one core."""
    places = _spread(len(clips), _TIMED)
    plain, chosen = ([_feed(clips, place, which) for place in places] for which in (None, task))
    sessions = [opened(path, threads=1) for path in (model, other)]
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(_REPEATS):
        for session, feeds, times in zip(sessions, (plain, chosen), taken, strict=True):
            started = time.perf_counter()
            for one in feeds:
                run(session, ["probabilities"], one)
            times.append(time.perf_counter() - started)
    first, second = map(statistics.median, taken)
    return first / second


def _quantise(model: Path, variant: Path, train: Clips, nodes: Sequence[str]) -> None:
    import emonet_bench.deploy.runtime  # noqa: F401, PLC0415, I001 - first: telemetry off
    from onnxruntime import quantization  # noqa: PLC0415 - slow, and needed only here

    feeds = iter([_feed(train, index) for index in _spread(len(train), _CALIBRATED)])

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> Feed | None:
            return next(feeds, None)

    try:
        with _quiet():
            quantization.quantize_static(
                model,
                variant,
                Reader(),
                quant_format=quantization.QuantFormat.QDQ,
                nodes_to_quantize=nodes,
                op_types_to_quantize=["Conv"],  # or else it calibrates whatever there is
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
    except Exception as error:  # whatever the quantiser does not like
        raise ExportError(f"--quantize: {model} cannot be quantised ({first_line(error)})") from error


def _check(variant: Path, uar: tuple[float, float], input_spec: InputSpec, test: Clips) -> None:
    session = opened(variant, threads=1)
    for waveform, lengths in extremes(input_spec):
        (logits,) = run(session, ["logits"], feed(waveform, lengths))
        if not np.isfinite(logits).all():
            raise ExportError(f"no finite logits for {lengths.tolist()} samples")
    before, after = uar
    if after < before - max(MOST_LOST, one_clip(test)):
        raise ExportError(f"its test UAR is {after:.3f}, that of float32 {before:.3f}")


def _remove(target: Path) -> None:
    """Remove an older variant and its description, which would not be this model's."""
    try:
        for path in (target, description_path(target)):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(f"{target}: cannot be replaced ({error.strerror}); choose another place") from error


def _feed(clips: Clips, index: int, task: int | None = None) -> Feed:
    return feed(clips.whole(torch.tensor([index])).waveform, clips.lengths[index, None], task)


def _spread(count: int, wanted: int) -> list[int]:
    """Choose indices all over a range."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(count, wanted))})


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back the quantiser's advice to optimise first: onnxruntime does that when it loads a file."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
