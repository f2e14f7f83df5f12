"""``emonet-predict verify-model``: status 0 for a sound file, 1 and a line for each fault, 2 where there is nothing to check."""

import json

import pytest
from click.testing import CliRunner

from emonet_bench.deploy.cli import main
from emonet_bench.export.file import write_model
from tests.exported import export_listener


@pytest.fixture
def model(tmp_path):
    file = export_listener(tmp_path / "model.onnx")
    write_model(file, file.read_bytes())
    return file


def verified(model):
    return CliRunner().invoke(main, ["verify-model", str(model)])


def test_a_sound_file_says_so_for_each_vector(model):
    done = verified(model)
    assert (done.exit_code, done.stderr) == (0, "")
    at = [line.split(": at ")[1].split(" Hz")[0] for line in done.stdout.splitlines()[:-1]]
    assert at == ["16000", "8000"]
    assert done.stdout.endswith("model.onnx: says here what it said where it was exported\n")


def test_faults_are_lines_and_status_1(model):
    path = model.with_suffix(".json")
    told = json.loads(path.read_text())
    told["metadata"]["licence"] = "CC0"
    path.write_text(json.dumps(told))
    done = verified(model)
    assert done.exit_code == 1
    assert "says of the model what the model does not say of itself" in done.stderr
    assert "says here" not in done.stdout


def test_a_missing_description_is_one_line_and_status_2(model):
    model.with_suffix(".json").unlink()
    done = verified(model)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "model.json" in done.stderr
