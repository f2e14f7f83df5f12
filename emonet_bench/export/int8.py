"""The int8 variant of an exported file: smaller and faster, kept only where it still says the same."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emonet_bench.data.dataset import Clips
from emonet_bench.deploy.description import description_path
from emonet_bench.errors import ExportError
from emonet_bench.export.file import write_model
from emonet_bench.export.gate import (
    Feed,
    extremes,
    feed,
    one_by_one,
    one_clip,
    opened,
    predict_onnx,
    run,
    takes_lengths,
)
from emonet_bench.export.int8_card import Measured, Quantised, int8_card
from emonet_bench.export.quantisation import quantise_graph
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.metrics.significance import uar_interval
from emonet_bench.types import InputSpec

MOST_LOST = 0.02
"""UAR that a quantised variant may lose on test; where a single clip weighs more, that clip."""

_CALIBRATED = 64  # clips
_TIMED = 16  # clips
_REPEATS = 5


def quantise(model: Path, target: Path, train: Clips, test: Clips, unmasked: bytes | None = None) -> Quantised:
    """Write a file's int8 variant with its own scores, description and card.

    Args:
        model: What ``export_run`` wrote.
        target: The variant; it appears only if it runs at all lengths and its UAR holds. An older one is removed first.
        train: Clips that show which values occur.
        test: Clips to score both on.
        unmasked: The content of the file's twin, to be quantised in its place; see ``unmasked_content``.

    Returns:
        What was measured. Nothing is refused for its speed, which depends on the processor.

    Raises:
        ExportError: There is nothing to quantise, the variant does not hold, or it cannot be written.
    """
    import onnx  # noqa: PLC0415 - slow, and needed only here

    if test.kind != "label":
        raise ExportError(f"--quantize: {model} predicts {test.kind}, and int8 is measured by UAR; keep it as it is")
    _remove(target)
    with TemporaryDirectory() as folder:
        source, variant = Path(folder) / model.name, Path(folder) / "int8.onnx"
        source.write_bytes(model.read_bytes() if unmasked is None else unmasked)
        masked = "lengths" in {value.name for value in onnx.load(source).graph.input}
        quantise_graph(source, variant, (_feed(train, place, masked) for place in _spread(len(train), _CALIBRATED)))
        try:
            found = _measured(source, variant, test)
            _check(variant, found, InputSpec(train.sampling_rate), test)
        except ExportError as error:
            raise ExportError(f"--quantize: int8 is not kept: {error}") from error
        quantised, original = onnx.load(variant), onnx.load(model)
    told = {entry.key: entry.value for entry in original.metadata_props} | _own(found.int8)
    del quantised.metadata_props[:]
    onnx.helper.set_model_props(quantised, told)
    card = int8_card(told, found, target.name, model.name, masked=masked)
    write_model(target, quantised.SerializeToString(), card, {"comparison": found.plain()})
    return found


def _own(measured: Measured) -> dict[str, str]:
    """Return what the metadata of the variant says otherwise than that of the file."""
    uar = repr(measured.uar)
    return {
        "quantisation": "int8",
        "uar": uar,
        "uar_onnx": uar,
        "uar_interval": json.dumps(measured.interval),
        "parity_max_delta": "",
    }


def _measured(source: Path, variant: Path, test: Clips) -> Quantised:
    truth = [test.labels[target] for target in test.targets.tolist()]
    costs = milliseconds((source, variant), test)
    found = []
    for path, cost in zip((source, variant), costs, strict=True):
        said = predict_onnx(path, test)
        bounds = uar_interval(truth, said, test.labels, test.speakers)
        uar = unweighted_average_recall(truth, said, test.labels)
        found.append(Measured(uar, (bounds.low, bounds.high), path.stat().st_size, cost))
    return Quantised(*found)


def milliseconds(models: Sequence[Path], clips: Clips, tasks: Sequence[int | None] = ()) -> list[float]:
    """Measure files in turn on one core: milliseconds of processor time for a clip, the median of several rounds.

    Args:
        models: The files.
        clips: Sixteen of them, of all lengths, are scored one by one.
        tasks: Of each file: which task, where it is a bank.
    """
    sessions = [opened(path, threads=1) for path in models]
    chosen = [*tasks, *[None] * (len(models) - len(tasks))]
    places = _spread(len(clips), _TIMED)
    feeds = [
        [_feed(clips, place, takes_lengths(session), task) for place in places]
        for session, task in zip(sessions, chosen, strict=True)
    ]
    rounds = [[_seconds(*pair) for pair in zip(sessions, feeds, strict=True)] for _ in range(_REPEATS)]
    return [1000 * statistics.median(taken) / len(places) for taken in zip(*rounds, strict=True)]


def _seconds(session: Any, feeds: Iterable[Feed]) -> float:
    started = time.process_time()  # other programs on the machine count less in it
    for one in feeds:
        run(session, ["probabilities"], one)
    return time.process_time() - started


def _check(variant: Path, found: Quantised, input_spec: InputSpec, test: Clips) -> None:
    session = opened(variant, threads=1)
    for waveform, lengths in _sizes(session, input_spec):
        (logits,) = run(session, ["logits"], feed(waveform, lengths))
        if not np.isfinite(logits).all():
            raise ExportError(
                f"no finite logits for {waveform.shape[1] if lengths is None else lengths.tolist()} samples"
            )
    before, after = found.float32.uar, found.int8.uar
    if after < before - max(MOST_LOST, one_clip(test)):
        raise ExportError(f"its test UAR is {after:.3f}, that of float32 {before:.3f}")


def _sizes(session: Any, input_spec: InputSpec) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Yield batches of every size that matters; a file that takes no lengths is given each clip alone."""
    if takes_lengths(session):
        yield from extremes(input_spec)
    else:
        yield from ((waveform, None) for waveform, _ in one_by_one(extremes(input_spec)))


def _remove(target: Path) -> None:
    """Remove an older variant and what is told of it: it would not be this model's."""
    try:
        for path in (target, description_path(target), target.with_suffix(".md")):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(f"{target}: cannot be replaced ({error.strerror}); choose another place") from error


def _feed(clips: Clips, index: int, masked: bool, task: int | None = None) -> Feed:  # noqa: FBT001 - private
    lengths = clips.lengths[index, None] if masked else None
    return feed(clips.whole(torch.tensor([index])).waveform, lengths, task)


def _spread(count: int, wanted: int) -> list[int]:
    """Choose indices all over a range."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(count, wanted))})
