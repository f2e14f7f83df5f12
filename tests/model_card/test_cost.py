"""Cost is measured in a process of its own, for the file and its int8 variant."""

import shutil

import pytest

from emonet_bench.errors import ExportError
from emonet_bench.model_card.cost import costs, measured
from tests.oracles import write_model


def test_a_file_and_the_variant_beside_it(tmp_path):
    model = write_model(tmp_path / "m.onnx", "sign", 0.0)
    shutil.copy(model, tmp_path / "m.int8.onnx")
    plain, variant = costs(model)
    assert (plain.file, variant.file) == ("m.onnx", "m.int8.onnx")
    assert plain.bytes == model.stat().st_size
    assert plain.load_seconds > 0
    assert plain.milliseconds > 0
    assert plain.peak_memory_mb is None or 20 < plain.peak_memory_mb < 1000


def test_it_needs_no_torch(tmp_path):
    assert set(measured(write_model(tmp_path / "m.onnx", "sign", 0.0))) == {
        "load_seconds",
        "milliseconds",
        "peak_memory_mb",
    }


def test_a_file_that_cannot_be_run_is_one_line(tmp_path):
    (tmp_path / "m.onnx").write_text("x")
    with pytest.raises(ExportError, match="its cost cannot be measured"):
        costs(tmp_path / "m.onnx")
