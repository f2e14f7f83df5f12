"""``emonet-bench export``: from a run's directory to a file that gives the run's own predictions."""

import csv
import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.deploy import Predictor
from emonet_bench.plugins import Plugins

MATRIX = """
corpora = ["synthetic-calls"]
architectures = ["rnn"]
strategies = ["scratch"]

[training]
epochs = 1
limit = 12

[options.rnn]
hidden_dim = 8
"""


def emonet(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of a small network."""
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "matrix.toml").write_text(MATRIX)
    done = emonet("run", "matrix", folder / "matrix.toml", "--results", folder / "results", "--jobs", 1)
    assert done.exit_code == 0, done.output
    (directory,) = (folder / "results").glob("synthetic-calls-*")
    return directory


def test_an_exported_run_gives_the_runs_own_predictions(run, tmp_path):
    done = emonet("export", run, "-o", tmp_path / "model.onnx")
    assert done.exit_code == 0, done.output
    uar = json.loads((run / "result.json").read_text())["scores"]["test"]["uar"]
    assert f"test UAR {uar:.3f} (torch {uar:.3f})" in done.stdout
    files = {one.name: one.file for one in Plugins().corpora["synthetic-calls"].load()}
    with (run / "predictions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    predictor = Predictor(tmp_path / "model.onnx", "cpu")
    found = list(predictor.predict([files[row["utterance"]] for row in rows]))
    assert [one.label for one in found] == [row["prediction"] for row in rows]
    for one, row in zip(found, rows, strict=True):
        np.testing.assert_allclose(one.probabilities, [float(row[label]) for label in predictor.labels], atol=1e-5)
    assert predictor.metadata["uar_onnx"] == repr(uar)
    assert (tmp_path / "model.md").read_text().startswith("# synthetic-calls: rnn, scratch\n")


def test_an_export_without_the_corpus_goes_on_and_says_so(run, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(run, changed)
    record = json.loads((run / "result.json").read_text())
    (changed / "result.json").write_text(json.dumps({**record, "fingerprint": "another"}))
    done = emonet("export", changed)
    assert done.exit_code == 0, done.output
    assert "UAR through onnxruntime is not measured: synthetic-calls has changed since the run" in done.stderr
    assert Predictor(changed / "model.onnx", "cpu").metadata["uar_onnx"] == ""


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: (run / "result.json").unlink(), "not a run's directory"),
        (lambda run: (run / "result.json").write_text('{"error": {}}'), "this run failed"),
        (lambda run: (run / "model.safetensors").write_text("x"), "not a readable checkpoint"),
        (lambda run: (run / "predictions.csv").unlink(), "predictions.csv: cannot be read"),
    ],
)
def test_a_directory_that_cannot_be_exported_is_one_line(run, tmp_path, spoil, message):
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    spoil(broken)
    done = emonet("export", broken)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert message in line
    assert not (broken / "model.onnx").exists()
