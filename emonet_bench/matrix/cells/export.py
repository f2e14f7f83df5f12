"""ONNX export of a cell's networks, with ``--export``: right after its training, before it is committed."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from emonet_bench import export
from emonet_bench.data.dataset import Clips
from emonet_bench.errors import ExportError
from emonet_bench.networks import Classifier
from emonet_bench.runs.facts import Exported
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord
from emonet_bench.training.prediction import evaluation_input


def export_networks(
    classifier: Classifier, record: RunRecord, files: RunFiles, test: Mapping[str, Clips]
) -> Exported | dict[str, Exported]:
    """Export each corpus's network; what cannot be exported says why, and the run's scores stand.

    Args:
        classifier: The trained classifier; it is moved to the CPU.
        record: All that is known of the run so far.
        files: Where the models go.
        test: The test clips of each corpus.
    """
    cpu, input_spec = torch.device("cpu"), evaluation_input(record.spec.training, classifier.network)
    told: dict[str, Exported] = {}
    for name, clips in test.items():
        path = files.onnx(name if len(test) > 1 else None)
        try:
            parity = export.export_run(
                files.directory, classifier.cpu(), record.of(name), path, input_spec, clips.to(cpu)
            )
        except ExportError as error:
            told[name] = Exported(error=str(error).removeprefix(f"{path}: "))
        else:
            told[name] = Exported(file=path.name, max_delta=parity.max_delta, uar=parity.uar)
    return told if len(test) > 1 else told.popitem()[1]
