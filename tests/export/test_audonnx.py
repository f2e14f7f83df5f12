"""The folder for audonnx: batch 1, one input, labels for its columns; audonnx itself hears what the file says."""

import os
import subprocess
import venv

import numpy as np
import onnx
import onnxruntime
import pytest

from emonet_bench.errors import ExportError
from emonet_bench.export import export, export_audonnx, metadata_of
from emonet_bench.types import InputSpec
from tests.exported import LABELS, SIGNAL, listener, record, whole_cnn

LISTEN = """
import sys, audonnx, numpy as np
model = audonnx.load(sys.argv[1])
signal = np.load(sys.argv[2])
print(*model.labels("probabilities"))
print(*model(signal, 16_000, outputs="probabilities")[0])
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "model.onnx"
    export(whole_cnn(), "ours", file, SIGNAL, metadata_of(record(), SIGNAL))
    return file, export_audonnx(whole_cnn(), "ours", file, SIGNAL)


def test_it_holds_a_model_of_batch_1_and_the_labels(exported):
    file, folder = exported
    assert folder == file.with_suffix(".audonnx")
    (given,) = onnx.load(folder / "model.onnx").graph.input
    assert [dim.dim_value or dim.dim_param for dim in given.type.tensor_type.shape.dim] == [1, "samples"]
    first, *rest = (folder / "model.yaml").read_text().splitlines()
    assert first.startswith("$audonnx.core.model.Model==")
    assert '  labels: {"probabilities": ["anger", "joy", "sadness"], "logits": ["anger", "joy", "sadness"]}' in rest


def test_a_network_without_a_twin_says_so(tmp_path):
    file = tmp_path / "model.onnx"
    export(listener(), "ours", file, SIGNAL, metadata_of(record(), SIGNAL))
    with pytest.raises(ExportError, match=r"--audonnx: model\.audonnx is not written: .*without lengths"):
        export_audonnx(listener(), "ours", file, SIGNAL)
    with pytest.raises(ExportError, match=r"--audonnx: .*windows have masks"):
        export_audonnx(listener(), "ours", file, InputSpec(16_000, 4_000))
    assert not file.with_suffix(".audonnx").exists()


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.downstream
def test_audonnx_hears_what_the_file_says(exported, tmp_path):
    file, folder = exported
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "audonnx"], check=True)
    signal = (0.1 * np.random.default_rng(0).standard_normal((1, 12_000))).astype(np.float32)
    np.save(tmp_path / "signal.npy", signal)
    command = [python, "-c", LISTEN, folder, tmp_path / "signal.npy"]
    labels, row = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert labels.split() == list(LABELS)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (expected,) = session.run(["probabilities"], {"waveform": signal, "lengths": np.array([12_000])})
    np.testing.assert_allclose([float(value) for value in row.split()], expected[0], atol=1e-5)
