"""One self-describing ONNX file from a trained classifier, held against torch before it is written."""

from emonet_bench.export.audonnx import export_audonnx
from emonet_bench.export.card import metadata_of, model_card
from emonet_bench.export.file import Trained, check_name, export, export_bank, export_run
from emonet_bench.export.gate import TOLERANCE, Parity, score_onnx
from emonet_bench.export.graph import OPSET, ExportModule, freeze
from emonet_bench.export.int8 import MOST_LOST, quantise
from emonet_bench.export.int8_card import Measured, Quantised
from emonet_bench.export.multi_task_card import Size, size_table
from emonet_bench.export.single import export_single, unmasked_content
from emonet_bench.export.temperature import Calibrated, calibrate

__all__ = [
    "MOST_LOST",
    "OPSET",
    "TOLERANCE",
    "Calibrated",
    "ExportModule",
    "Measured",
    "Parity",
    "Quantised",
    "Size",
    "Trained",
    "calibrate",
    "check_name",
    "export",
    "export_audonnx",
    "export_bank",
    "export_run",
    "export_single",
    "freeze",
    "metadata_of",
    "model_card",
    "quantise",
    "score_onnx",
    "size_table",
    "unmasked_content",
]
