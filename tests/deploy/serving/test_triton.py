"""Triton's configuration names the file's own tensors."""

import re

import pytest

from emonet_bench.deploy.serving import triton_config
from emonet_bench.deploy.serving.triton import write_repository
from emonet_bench.errors import ConfigError


def parsed(text):
    """Read inputs and outputs of a configuration: name, type, dims, whether reshaped."""
    found = {}
    for part in re.findall(r"\{ (name: .*?\]) ?(reshape[^}]*\}|) ?\}", text):
        name, kind, dims = re.search(r'name: "(\w+)" data_type: (\w+) dims: \[ (.*?) \]', part[0]).groups()
        found[name] = (kind, [int(size) for size in dims.split(", ")], bool(part[1]))
    return found


def test_a_file_is_batched_by_triton(model):
    text = triton_config(model)
    assert text.startswith('name: "listener"\nbackend: "onnxruntime"\nmax_batch_size: 32\n')
    assert "dynamic_batching" in text
    assert parsed(text) == {
        "waveform": ("TYPE_FP32", [-1], False),
        "lengths": ("TYPE_INT64", [1], True),
        "probabilities": ("TYPE_FP32", [3], False),
        "logits": ("TYPE_FP32", [3], False),
        "embedding": ("TYPE_FP32", [8], False),
    }
    assert text.count("{") == text.count("}")


def test_a_bank_carries_its_batches_itself(bank):
    text = triton_config(bank, cuda=True)
    assert "max_batch_size: 0" in text
    assert "dynamic_batching" not in text
    assert "KIND_GPU" in text
    found = parsed(text)
    assert found["waveform"] == ("TYPE_FP32", [-1, -1], False)
    assert found["lengths"] == ("TYPE_INT64", [-1], False)
    assert found["task"] == ("TYPE_INT64", [1], True)


@pytest.mark.parametrize("kind", ["model", "bank"])
def test_tritons_own_schema_takes_it(request, kind):
    schema = pytest.importorskip(
        "tritonclient.grpc", reason="tritonclient[grpc] is not installed", exc_type=ImportError
    )
    text_format = pytest.importorskip("google.protobuf.text_format")
    config = text_format.Parse(triton_config(request.getfixturevalue(kind)), schema.model_config_pb2.ModelConfig())
    assert config.backend == "onnxruntime"
    assert [one.name for one in config.input][:2] == ["waveform", "lengths"]
    assert config.input[0].data_type == schema.model_config_pb2.TYPE_FP32
    assert list(config.input[0].dims) == ([-1] if kind == "model" else [-1, -1])
    assert config.input[1].HasField("reshape") == (kind == "model")
    assert config.HasField("dynamic_batching") == (kind == "model")


def test_what_is_no_model_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        triton_config(tmp_path / "none.onnx")


def test_a_repository_has_the_files_place_in_it_and_leaves_others_alone(model, tmp_path):
    (tmp_path / "other").mkdir()
    for _ in range(2):  # again, in its own place
        folder = write_repository(model, tmp_path)
    assert folder == tmp_path / "listener"
    assert (folder / "1" / "model.onnx").read_bytes() == model.read_bytes()
    assert (folder / "config.pbtxt").read_text() == triton_config(model)
    assert sorted(path.name for path in folder.rglob("*")) == ["1", "config.pbtxt", "model.onnx"]
    assert (tmp_path / "other").is_dir()


def test_a_file_in_the_repositorys_place_is_one_line(model, tmp_path):
    (tmp_path / "listener").write_text("mine")
    with pytest.raises(ConfigError, match=r"--triton: .*listener.* is a file; name a directory"):
        write_repository(model, tmp_path)
    assert (tmp_path / "listener").read_text() == "mine"
