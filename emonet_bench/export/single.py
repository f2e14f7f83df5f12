"""The unmasked twin of an exported file, for clips that fill their rows: no ``lengths``, no masks, the same scores."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emonet_bench.deploy.metadata import target_said
from emonet_bench.deploy.model import TWIN_OF, twin_path
from emonet_bench.errors import ExportError
from emonet_bench.export.file import write_model
from emonet_bench.export.gate import EXAMPLE, check_parity, clips, first_line
from emonet_bench.export.graph import ExportModule, described, freeze, poison, trace
from emonet_bench.export.temperature import fold_temperature
from emonet_bench.networks import Classifier
from emonet_bench.networks.outputs import activate
from emonet_bench.types import InputSpec, Target


class SingleModule(ExportModule):
    """A frozen classifier that hears whole clips, every row of them full."""

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """Map waveforms (N, S) to predictions (N, K), logits (N, K) and embeddings (N, D)."""
        embedding, logits = self.scored(waveform, None)
        spoilt = poison(waveform)
        logits = logits + spoilt
        return activate(logits, self.target), logits, embedding + spoilt


def export_single(classifier: Classifier, corpus: str, model: Path, input_spec: InputSpec) -> tuple[Path, float]:
    """Write the twin of an exported file beside it, ``NAME.single.onnx``; ``deploy.Predictor`` then uses both.

    Args:
        classifier: What the file was exported from.
        corpus: For which corpus.
        model: The file.
        input_spec: What is heard of each clip: all of it.

    Returns:
        The twin, and the largest difference of a logit from the trained classifier.

    Raises:
        ExportError: Clips are not heard whole, the twin does not agree with the classifier, or it cannot be written.
    """
    twin = twin_path(model)
    if input_spec.window is not None:
        raise ExportError(f"--single: {model} hears windows, which have masks of their own; leave it out")
    try:
        content, delta = unmasked_content(classifier, corpus, model, input_spec)
    except ExportError as error:
        raise ExportError(f"{twin}: not written: {error}") from error
    write_model(twin, content)
    return twin, delta


def unmasked_content(classifier: Classifier, corpus: str, model: Path, input_spec: InputSpec) -> tuple[bytes, float]:
    """Return the content of an exported file's twin, and the largest difference of a logit.

    Arguments as of ``export_single``.

    Raises:
        ExportError: The network has none, or it does not agree with the classifier.
    """
    import onnx  # noqa: PLC0415 - slow, and needed only here

    if input_spec.window is not None:
        raise ExportError("windows have masks of their own")
    original = onnx.load(model)
    told = {entry.key: entry.value for entry in original.metadata_props}
    target = target_said(told)
    traced = _traced(classifier, corpus, input_spec, target)
    delta = check_parity(traced, classifier, corpus, input_spec, single=True, target=target)
    made = described(traced, classifier.network.dim)
    changed = {TWIN_OF: hashlib.sha256(model.read_bytes()).hexdigest(), "parity_max_delta": f"{delta:.3g}"}
    onnx.helper.set_model_props(made, {**told, **changed})
    if told.get("temperature"):
        fold_temperature(made, float(told["temperature"]))
    return made.SerializeToString(), delta


def _traced(classifier: Classifier, corpus: str, input_spec: InputSpec, target: Target | None) -> bytes:
    example: Any = clips(EXAMPLE, input_spec)[0]
    try:
        with torch.no_grad():
            return trace(SingleModule(freeze(classifier, corpus).cpu(), input_spec, target), example)
    except Exception as error:  # whatever a network or the exporter does not like
        raise ExportError(f"the network cannot be exported without lengths ({first_line(error)})") from error
