"""Calibration of an exported file: a temperature folded into its graph, and a probability below which it may abstain.

Both are fitted on dev through the file itself. The temperature is folded in only where the expected calibration error
surely falls on dev speakers that it was not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emonet_bench.data.dataset import Clips
from emonet_bench.errors import ExportError
from emonet_bench.export.file import write_model
from emonet_bench.export.gate import feed, opened, run
from emonet_bench.metrics.abstention import threshold_for
from emonet_bench.metrics.temperature import Calibration, calibration_of, tempered

_RAW = "uncalibrated_logits"


@dataclass(frozen=True)
class Calibrated:
    """What came of calibrating a file.

    Attributes:
        found: The temperature, and what it does on dev.
        folded: Whether it is in the graph now.
        abstain_below: Probability below which the risk that was asked for is exceeded on dev; None: none was asked for.
    """

    found: Calibration
    folded: bool
    abstain_below: float | None = None


def calibrate(model: Path, dev: Clips, *, temperature: bool = True, risk: float | None = None) -> Calibrated:
    """Calibrate a file on dev and write it again, with what was found in its metadata and description.

    Args:
        model: What ``export_run`` wrote.
        dev: The dev partition.
        temperature: Whether to fold a temperature in where it helps.
        risk: Share of errors that answers may have; None: no threshold is sought.

    Raises:
        ExportError: The risk cannot be kept, or the file cannot be run or written.
    """
    import onnx  # noqa: PLC0415 - slow, and needed only here

    if dev.target is not None and dev.target.kind != "label":
        raise ExportError("--calibrate, --abstain-risk: are for models that name one label; leave them out")
    probabilities = _probabilities(model, dev)
    targets = dev.targets.cpu().numpy()
    found = calibration_of(targets, probabilities, dev.speakers)
    folded = temperature and found.helps
    loaded = onnx.load(model)
    if folded:
        fold_temperature(loaded, found.temperature)
        probabilities = tempered(probabilities, found.temperature)
    threshold = None
    if risk is not None:
        threshold = threshold_for(probabilities.max(axis=1), probabilities.argmax(axis=1) == targets, risk)
        if threshold is None:
            raise ExportError(f"--abstain-risk {risk}: even the most confident answers on dev are wrong more often")
    result = Calibrated(found, folded, threshold)
    told = {entry.key: entry.value for entry in loaded.metadata_props}
    onnx.helper.set_model_props(loaded, {**told, **_metadata(result, risk)})
    write_model(model, loaded.SerializeToString(), _card(model, result, risk))
    return result


def fold_temperature(model: Any, temperature: float) -> None:
    """Divide the logits of an ONNX model by a temperature, in place; whatever follows from them follows."""
    from onnx import helper  # noqa: PLC0415 - slow, and needed only here

    graph = model.graph
    place = next(place for place, node in enumerate(graph.node) if "logits" in node.output)
    outputs = graph.node[place].output
    outputs[list(outputs).index("logits")] = _RAW
    graph.initializer.append(helper.make_tensor("temperature", 1, [], [temperature]))
    graph.node.insert(place + 1, helper.make_node("Div", [_RAW, "temperature"], ["logits"], name="temperature"))


def _probabilities(model: Path, clips: Clips) -> np.ndarray[Any, np.dtype[np.float64]]:
    session = opened(model, torch.get_num_threads())
    found = np.zeros((len(clips), len(clips.labels)))
    for batch in clips.in_order(8):
        lengths = clips.lengths[batch.index] if batch.lengths is None else batch.lengths
        (rows,) = run(session, ["probabilities"], feed(batch.waveform, lengths))
        found[batch.index.cpu().numpy()] = rows
    return found


def _metadata(result: Calibrated, risk: float | None) -> dict[str, str]:
    found = result.found
    told = {
        "temperature": repr(found.temperature) if result.folded else "",
        "ece_dev": f"{found.before.value:.4f}",
        "ece_dev_held_out": f"{found.after.value:.4f}",
    }
    if result.abstain_below is None:
        return told
    return {**told, "abstain_below": repr(result.abstain_below), "abstain_risk": repr(risk)}


def _card(model: Path, result: Calibrated, risk: float | None) -> str | None:
    """Return the file's card with what was found; None: it has none."""
    place = model.with_suffix(".md")
    if not place.is_file():
        return None
    text = place.read_text(encoding="utf-8").rstrip()
    return f"{text}\n\n## Calibration\n\n{in_words(result, risk)}\n"


def in_words(result: Calibrated, risk: float | None) -> str:
    """Say what came of calibrating."""
    found = result.found
    errors = f"{found.before.value:.3f} to {found.after.value:.3f} on dev speakers that it was not fitted on"
    lines = [
        f"Logits are divided by {found.temperature:.3f}: the expected calibration error goes from {errors}."
        if result.folded
        else f"No temperature: {found.temperature:.3f} would take the expected calibration error from {errors}."
    ]
    if result.abstain_below is not None:
        lines.append(
            f"Below a probability of {result.abstain_below:.3f} an answer may be withheld: then {risk:.0%} of the "
            "answers on dev are wrong, or fewer."
        )
    return " ".join(lines)
