"""Triton's configuration names the file's own tensors, and what Triton makes of requests is what the file takes."""

import re
from itertools import groupby

import numpy as np
import onnxruntime
import pytest

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.serving import triton_config
from emonet_bench.deploy.serving.triton import write_repository
from emonet_bench.errors import ConfigError
from tests.export.test_multi_task import TASKS


def parsed(text):
    """Read inputs and outputs of a configuration: name, type, dims, whether reshaped."""
    found = {}
    for part in re.findall(r"\{ (name: .*?\]) ?(reshape[^}]*\}|) ?\}", text):
        name, kind, dims = re.search(r'name: "(\w+)" data_type: (\w+) dims: \[ (.*?) \]', part[0]).groups()
        found[name] = (kind, [int(size) for size in dims.split(", ")], bool(part[1]))
    return found


def fed(config, path, requests):
    """Do with requests what Triton's scheduler and its backend for onnxruntime do; return the answer to each.

    A request's tensors must have the shapes of the configuration, behind their batch where the model has batches.
    Requests that wait together and whose tensors have one shape but for the batch become one: each tensor is their
    concatenation, and then gets the configuration's other shape where it names one. Answers are the rows of each. Where
    the file itself takes a scalar, the backend makes one of what holds a single number.
    """
    told = parsed(config)
    most = int(re.search(r"max_batch_size: (\d+)", config).group(1))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs, outputs = ([one.name for one in some] for some in (session.get_inputs(), session.get_outputs()))
    scalars = {one.name for one in session.get_inputs() if not one.shape}

    def shapes(request):
        return [request[name].shape[bool(most) :] for name in inputs]

    answers = []
    for _, alike in groupby(requests, shapes):
        group = list(alike)
        assert most or len(group) == 1
        feed = {}
        for name in inputs:
            kind, dims, reshaped = told[name]
            given = np.concatenate([one[name] for one in group])
            own = given.shape[bool(most) :]
            assert given.dtype == {"TYPE_FP32": np.float32, "TYPE_INT64": np.int64}[kind]
            assert len(own) == len(dims)
            assert all(size in (-1, other) for size, other in zip(dims, own, strict=True))
            assert most or not reshaped  # refused: "scalar tensors are not supported"
            feed[name] = given.reshape(given.shape[: bool(most)]) if reshaped or name in scalars else given
        sizes = [len(one["waveform"]) for one in group]
        assert not most or sum(sizes) <= most
        found = session.run(outputs, feed)
        for array, (_, dims, _) in zip(found, (told[name] for name in outputs), strict=True):
            assert len(array.shape[bool(most) :]) == len(dims)
        parts = [np.split(array, np.cumsum(sizes)[:-1]) for array in found]
        answers += [dict(zip(outputs, rows, strict=True)) for rows in zip(*parts, strict=True)]
    return answers


def padded(clips, length=None):
    """Put clips into a request as a client does: rows of one length, and how much of each is a clip's."""
    waveform = np.zeros((len(clips), length or max(map(len, clips))), np.float32)
    for row, clip in zip(waveform, clips, strict=True):
        row[: len(clip)] = clip
    return {"waveform": waveform, "lengths": np.array([len(clip) for clip in clips], np.int64)}


@pytest.fixture(scope="module")
def clips(noise):
    return [noise(seconds, seed=number) for number, seconds in enumerate((0.5, 1.0, 0.31, 1.0, 0.72, 0.5))]


def expected(predictor, clips):
    return np.stack([one.probabilities for one in predictor.predict_arrays(clips, 16_000)])


@pytest.mark.parametrize(
    ("parts", "length"),
    [
        ([slice(number, number + 1) for number in range(6)], 16_000),  # all of one length: a single batch
        ([slice(0, 2), slice(2, 6), slice(0, 1)], None),  # each of its own clips' length: two batches
    ],
)
def test_requests_that_triton_puts_together_score_as_the_predictor_scores_each_clip(
    model, predictor, clips, parts, length
):
    requests = [padded(clips[part], length) for part in parts]
    requests = [{**one, "lengths": one["lengths"][:, None]} for one in requests]
    found = np.concatenate([one["probabilities"] for one in fed(triton_config(model), model, requests)])
    wanted = expected(predictor, [clip for part in parts for clip in clips[part]])
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_banks_requests_score_as_the_predictor_scores_each_clip(bank, clips):
    for number, task in enumerate(TASKS):
        request = {**padded(clips), "task": np.array([number], np.int64)}
        (found,) = fed(triton_config(bank), bank, [request])
        wanted = expected(Predictor(bank, "cpu", task=task), clips)
        np.testing.assert_allclose(found["probabilities"][:, : wanted.shape[1]], wanted, atol=1e-5)


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
    assert found["task"] == ("TYPE_INT64", [1], False)


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
