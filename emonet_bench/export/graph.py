"""From a trained classifier to an ONNX graph: branches frozen, folded, traced."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast
from unittest import mock

import torch
from torch import Tensor, nn
from torch.onnx.operators import shape_as_tensor

from emonet_bench.export.cleaning import cleaned
from emonet_bench.networks import Classifier, PerCorpus
from emonet_bench.networks.outputs import activate
from emonet_bench.networks.windowing import aggregate_windows
from emonet_bench.types import InputSpec, Target

OPSET = 17
INPUTS = ("waveform", "lengths", "task")
FURTHER_OUTPUTS = ("logits", "embedding")
DESCRIPTIONS = {
    "waveform": "Mono audio in [-1, 1] at the model's sampling rate; what lies past a clip's length is ignored.",
    "lengths": "Valid samples of each row; what lies outside of 1 to samples counts as the nearest of them.",
    "task": "Which task, counted from 0 in the order of the metadata's labels.",
    "probabilities": "Of each label, in the order of the metadata's labels.",
    "scores": "Of each label for itself, from 0 to 1, in the order of the metadata's labels.",
    "values": "Of each attribute on its scale, in the order of the metadata's labels.",
    "logits": "Before the softmax; of scores before the sigmoid, of values before the scale.",
    "embedding": "What the head is given.",
}
"""What viewers such as Netron show of each input and output."""

# What the TorchScript exporter says about itself, about Python values in torch's own recurrent layers, and about
# constants that it leaves in the graph. The gate checks what these warn of.
_CHATTER = (
    "You are using the legacy TorchScript-based ONNX export",
    "The feature will be removed",
    "Converting a tensor to a Python",
    "Exporting a model to ONNX with a batch_size other than 1",
    "Constant folding - Only steps=1 can be constant folded",
)


class ExportModule(nn.Module):
    """A frozen classifier as the file holds it.

    Args:
        classifier: What ``freeze`` returned.
        input_spec: What is heard of each clip, see ``evaluation_input``.
        target: What it predicts; None: one of its labels.
    """

    def __init__(self, classifier: nn.Module, input_spec: InputSpec, target: Target | None = None) -> None:
        super().__init__()
        self.classifier = classifier
        self.input_spec = input_spec
        self.target = target

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map waveforms (N, S) and valid samples (N,) to predictions (N, K), logits (N, K), embeddings (N, D).

        Lengths outside of 1 to S count as the nearest of them. A clip that holds NaN or infinity gives NaN.
        """
        samples = shape_as_tensor(waveform)[1]
        lengths = lengths.clamp_min(1).minimum(samples)
        valid = torch.arange(cast("Any", samples)) < lengths[:, None]  # (N, S)
        embedding, logits = aggregate_windows(self.scored, waveform, lengths, self.input_spec)
        spoilt = poison(torch.where(valid, waveform, 0.0))
        logits = logits + spoilt
        return activate(logits, self.target), logits, embedding + spoilt

    def scored(self, waveform: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return embeddings (N, D) and logits (N, K); without lengths, every clip fills its row."""
        classifier = cast("Any", self.classifier)
        embedding: Tensor = classifier.network.embed(waveform, lengths)
        return embedding, classifier.heads(embedding)


def output_names(target: Target | None) -> list[str]:
    """Name the outputs of a file that predicts a target; None: one of some labels."""
    return [target.output if target else "probabilities", *FURTHER_OUTPUTS]


def poison(waveform: Tensor) -> Tensor:
    """Return (N, 1): NaN where a row of (N, S) holds NaN or infinity, else 0. Rectifiers would drop NaN.

    A row whose sum overflows counts as infinite; it lies beyond any audio.
    """
    return waveform.sum(1, keepdim=True) * 0


def freeze(classifier: Classifier, corpus: str) -> nn.Module:
    """Copy a classifier for inference on one corpus.

    PerCorpus give way to the corpus's part, and every module that has a ``fold`` to what that returns, innermost first.

    Args:
        classifier: Left as it is.
        corpus: Whose branches stay.

    Returns:
        The same function in evaluation mode, with a classifier's attributes ``network`` and ``heads``.
    """
    frozen = copy.deepcopy(classifier).eval()
    frozen.select(corpus)
    with torch.no_grad():
        return _folded(frozen)


def _folded(module: nn.Module) -> nn.Module:
    if isinstance(module, PerCorpus):
        return _folded(module.active)
    for name, child in list(module.named_children()):
        setattr(module, name, _folded(child))
    fold: Callable[[], nn.Module] | None = getattr(module, "fold", None)
    return module if fold is None else fold()


def trace(deployed: ExportModule, *inputs: Tensor) -> bytes:
    """Export with dynamic batch and time, by the TorchScript exporter.

    The newer exporter fails on recurrent layers with a dynamic time axis.

    Args:
        deployed: What to export.
        inputs: An example of waveforms (N, S), of lengths (N,) and, of a bank, of a task ().

    Returns:
        The ONNX model, serialised.
    """
    names, outputs = INPUTS[: len(inputs)], output_names(deployed.target)
    axes = {name: {0: "batch"} for name in (*names[:2], *outputs)} | {"waveform": {0: "batch", 1: "samples"}}
    content = io.BytesIO()
    with torch.no_grad(), _quiet():
        torch.onnx.export(
            deployed.eval(),
            inputs,
            cast("Any", content),  # a file object is taken, but not declared
            dynamo=False,
            opset_version=OPSET,
            input_names=list(names),
            output_names=outputs,
            dynamic_axes=axes,
        )
    return cleaned(content.getvalue())


def described(content: bytes, dim: int) -> Any:
    """Parse a traced model; its inputs and outputs get descriptions, and the embedding its width."""
    import onnx  # noqa: PLC0415 - slow, and needed only here

    model = onnx.load_model_from_string(content)
    model.graph.output[-1].type.tensor_type.shape.dim[1].dim_value = dim  # tracing lost it
    for value in [*model.graph.input, *model.graph.output]:
        value.doc_string = DESCRIPTIONS[value.name]
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what the exporter says, and the thousands of lines of its graph that it prints where it fails."""
    log = "_jit_onnx_log"  # there is no public switch: torch turns this log on by itself
    with warnings.catch_warnings(), mock.patch.object(torch._C, log):  # noqa: SLF001
        for message in _CHATTER:
            warnings.filterwarnings("ignore", message=message)
        yield
