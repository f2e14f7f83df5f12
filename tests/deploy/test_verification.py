"""A sound file passes; another file, another description, other scores and damage are each told in a line."""

import json
import re

import numpy as np
import onnx
import pytest

from emonet_bench.deploy.description import description_path
from emonet_bench.deploy.verification import verify_model
from emonet_bench.errors import ConfigError
from emonet_bench.export.file import write_model
from tests.exported import export_listener


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    file = export_listener(tmp_path_factory.mktemp("model") / "model.onnx")
    write_model(file, file.read_bytes())
    return file


@pytest.fixture
def model(exported, tmp_path):
    for path in (exported, description_path(exported)):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path / exported.name


def edit(model, change):
    path = description_path(model)
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def test_a_sound_file_passes_every_vector(model):
    verification = verify_model(str(model))
    assert verification.problems == ()
    assert [(check.sampling_rate, check.task) for check in verification.checks] == [(16_000, None), (8_000, None)]
    assert all(check.passed and check.difference < 1e-6 for check in verification.checks)


def test_a_file_with_other_weights_is_told(model):
    loaded = onnx.load(model)
    for weight in loaded.graph.initializer:
        array = onnx.numpy_helper.to_array(weight)
        if array.dtype == np.float32:
            weight.CopyFrom(onnx.numpy_helper.from_array(-3 * array, weight.name))
    onnx.save(loaded, model)
    hashed, *vectors = verify_model(model).problems
    assert "model.onnx: is not the file that model.json describes (SHA-256)" in hashed
    assert len(vectors) == 2
    assert all("from those of the export, allowed are 0.0" in problem for problem in vectors)
    assert all(problem.endswith("; fetch both again") for problem in [hashed, *vectors])


def test_metadata_that_was_edited_is_told(model):
    edit(model, lambda told: told["metadata"].update(licence="CC0"))
    (problem,) = verify_model(model).problems
    assert "model.json: says of the model what the model does not say of itself" in problem


@pytest.mark.parametrize(("wrong", "said"), [(0.9, r"are 0\.\d+ from"), (float("nan"), "are nan from")])
def test_other_probabilities_are_told(model, wrong, said):
    edit(model, lambda told: told["test_vectors"][1]["probabilities"].__setitem__(0, wrong))
    (problem,) = verify_model(model).problems
    assert re.search(rf"probabilities at 8000 Hz {said} those of the export", problem)
    assert problem.endswith("; try another version of onnxruntime or soxr")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: told.pop("sha256"), "is damaged .*sha256"),
        (lambda told: told.update(test_vectors=[]), "is damaged .*no test"),
        (lambda told: told["test_vectors"][0].update(probabilities=[1.0]), "is damaged .*other labels"),
        (lambda told: told["test_vectors"][0].update(sampling_rate=10**12), "sampling_rate|samples per second"),
        (lambda told: told["test_signal"].update(seconds=1e9), "is damaged .*no test"),
        (lambda told: told["test_signal"].update(sines=[[1], [2]]), "is damaged"),
        (lambda told: told.update(test_signal="x"), "is damaged"),
        (lambda told: told.update(format=99), "written by a newer emonet-bench"),
        (lambda told: told.update(format=[]), "is damaged"),
    ],
)
def test_a_damaged_description_is_one_line(model, change, message):
    edit(model, change)
    with pytest.raises(ConfigError, match=message) as caught:
        verify_model(model)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"[" * 100_000, b"null"])
def test_what_is_no_description_is_one_line(model, content):
    description_path(model).write_bytes(content)
    with pytest.raises(ConfigError, match=r"model\.json: is damaged .*export the run again"):
        verify_model(model)


def test_a_missing_description_says_how_to_get_one(model):
    description_path(model).unlink()
    with pytest.raises(ConfigError, match=r"model\.json: is missing.*; export the run again"):
        verify_model(model)


def test_a_description_that_is_a_folder_is_one_line(model):
    description_path(model).unlink()
    description_path(model).mkdir()
    with pytest.raises(ConfigError, match=r"model\.json: "):
        verify_model(model)
