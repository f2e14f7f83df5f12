"""Export for audonnx, which loads a folder with ``model.onnx`` and ``model.yaml`` and hears one signal at a time."""

from __future__ import annotations

import json
from pathlib import Path

from emonet_bench.deploy.description import output_of
from emonet_bench.deploy.metadata import Facts, read_facts
from emonet_bench.errors import ExportError
from emonet_bench.export.file import write
from emonet_bench.export.single import unmasked_content
from emonet_bench.networks import Classifier
from emonet_bench.types import InputSpec


def export_audonnx(classifier: Classifier, corpus: str, model: Path, input_spec: InputSpec) -> Path:
    """Write what ``audonnx.load`` takes: the unmasked twin with its batch fixed to 1, and what its outputs are called.

    Args:
        classifier: What the file was exported from.
        corpus: For which corpus.
        model: The file; the folder lies beside it, ``NAME.audonnx``.
        input_spec: What is heard of each clip: all of it.

    Returns:
        The folder.

    Raises:
        ExportError: The network has no twin, or the folder cannot be written.
    """
    import onnx  # noqa: PLC0415 - slow, and needed only here

    folder = model.with_suffix(".audonnx")
    try:
        made = onnx.load_model_from_string(unmasked_content(classifier, corpus, model, input_spec)[0])
    except ExportError as error:
        raise ExportError(f"--audonnx: {folder.name} is not written: {error}") from error
    made.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1  # audonnx knows one dynamic axis
    facts = read_facts(model, {entry.key: entry.value for entry in made.metadata_props})
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ExportError(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
    write(folder / "model.onnx", made.SerializeToString())
    write(folder / "model.yaml", _yaml(facts).encode())
    return folder


def _yaml(facts: Facts) -> str:
    """Name the columns of the outputs; JSON is YAML, too."""
    told = json.dumps(dict.fromkeys((output_of(facts), "logits"), facts.labels))
    return f"$audonnx.core.model.Model==1.0.0:\n  path: model.onnx\n  labels: {told}\n  transform: null\n"
