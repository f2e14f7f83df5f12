"""``emonet-bench export``: from a run's directory to a file that gives the run's own predictions."""

import csv
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.deploy import Predictor
from emonet_bench.plugins.loading import Plugins
from tests.in_process import cells_in_this_process

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
    with cells_in_this_process():
        done = emonet("run", "matrix", folder / "matrix.toml", "--results", folder / "results")
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
        np.testing.assert_allclose(
            one.probabilities, [float(row[f"probability:{label}"]) for label in predictor.labels], atol=1e-5
        )
    assert predictor.metadata["uar_onnx"] == repr(uar)
    assert (tmp_path / "model.md").read_text().startswith("# synthetic-calls: rnn, scratch\n")


def test_a_run_is_calibrated_on_its_dev(run, tmp_path):
    done = emonet("export", run, "-o", tmp_path / "m.onnx", "--calibrate", "--abstain-risk", 0.9, "--single")
    assert done.exit_code == 0, done.output
    told = Predictor(tmp_path / "m.onnx", "cpu", abstain=True).metadata
    assert float(told["ece_dev"]) >= 0
    assert told["abstain_risk"] == "0.9"
    assert "expected calibration error" in done.stdout
    assert "## Calibration" in (tmp_path / "m.md").read_text()
    assert onnx_metadata(tmp_path / "m.single.onnx")["temperature"] == told["temperature"]
    refused = emonet("export", run, "--bank", "-o", tmp_path / "b.onnx", "--calibrate")
    assert refused.exit_code == 2


def hears_windows(record):
    record["spec"]["training"] |= {"window": 0.5, "evaluation": "windows"}


def misses_its_clips(record):
    record["fingerprint"] = "another"


@pytest.mark.parametrize(
    ("change", "option", "message"),
    [
        (hears_windows, ["--single"], "--single: .* hears windows, which have masks of their own; leave it out"),
        (hears_windows, ["--audonnx"], "--audonnx: .* hears windows, "),
        (misses_its_clips, ["--calibrate", "--quantize", "int8"], "--calibrate, --quantize: need the clips of "),
    ],
)
def test_what_a_run_cannot_have_is_refused_before_anything_is_written(run, tmp_path, change, option, message):
    changed, out = tmp_path / "changed", tmp_path / "out"
    shutil.copytree(run, changed)
    record = json.loads((run / "result.json").read_text())
    change(record)
    (changed / "result.json").write_text(json.dumps(record))
    out.mkdir()
    done = emonet("export", changed, "-o", out / "m.onnx", *option)
    assert done.exit_code == 2
    assert re.search(message, done.stderr.splitlines()[-1])
    assert not list(out.iterdir())


def onnx_metadata(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_an_export_without_the_corpus_goes_on_and_says_so(run, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(run, changed)
    record = json.loads((run / "result.json").read_text())
    (changed / "result.json").write_text(json.dumps({**record, "fingerprint": "another"}))
    done = emonet("export", changed)
    assert done.exit_code == 0, done.output
    assert "UAR through onnxruntime is not measured: synthetic-calls has changed since the run" in done.stderr
    assert Predictor(changed / "model.onnx", "cpu").metadata["uar_onnx"] == ""


def test_a_model_repository_of_triton_holds_the_file_and_how_its_emotions_came_about(run, tmp_path):
    done = emonet("export", run, "-o", tmp_path / "calls.onnx", "--triton", tmp_path / "repository")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "repository" / "calls"
    assert f"{folder}: for Triton" in done.stdout
    assert (folder / "1" / "model.onnx").read_bytes() == (tmp_path / "calls.onnx").read_bytes()
    assert (folder / "config.pbtxt").read_text().startswith('name: "calls"')
    elicitation = Plugins().corpora["synthetic-calls"].facts["elicitation"]
    assert Predictor(folder / "1" / "model.onnx", "cpu").metadata["elicitation"] == elicitation == "generated"


def fail(run):
    record = json.loads((run / "result.json").read_text())
    del record["scores"]
    (run / "result.json").write_text(json.dumps({**record, "error": {"type": "E", "message": "boom"}}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: (run / "result.json").unlink(), "not a run's directory"),
        (fail, "this run failed"),
        (lambda run: (run / "model.safetensors").write_text("x"), "not a readable checkpoint"),
        (lambda run: (run / "predictions.csv").unlink(), "predictions.csv: damaged or missing"),
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


ODD = """
from emonet_bench import hookimpl
from emonet_bench.config import Options
from emonet_bench.types import Architecture


class NoOptions(Options):
    pass


def build(options, input_spec):
    import torch

    class Odd(torch.nn.Module):
        dim = 2

        def __init__(self):
            super().__init__()
            self.dense = torch.nn.Linear(2, 2)

        def embed(self, waveform, lengths):
            hidden = self.dense(waveform[:, :2])
            return hidden + torch.linalg.eigvals(hidden.detach().T @ hidden.detach()).real

        def adapter_points(self):
            return {}

    return Odd()


@hookimpl
def emonet_architectures():
    return [Architecture("odd", "toy", NoOptions, build)]
"""


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """A joint run of two corpora, exported by `run matrix --export`, and one of a network that cannot be exported."""
    folder = tmp_path_factory.mktemp("joint")
    (folder / "odd.py").write_text(ODD)
    changed = MATRIX.replace('["synthetic-calls"]', '["synthetic-calls", "synthetic-acted"]')
    changed = changed.replace('["rnn"]', '["rnn", "odd"]').replace('["scratch"]', '["multi-task"]')
    (folder / "matrix.toml").write_text(changed)
    results = folder / "results"
    command = ["run", "matrix", folder / "matrix.toml", "--results", results, "--export", "--plugin", folder / "odd.py"]
    command += ["--jobs", "1"]  # a second worker would import the exporter, too
    done = subprocess.run(
        [sys.executable, "-m", "emonet_bench", *map(str, command)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return results, done


def test_a_matrix_exports_every_corpus_of_a_joint_run(joint):
    results, _ = joint
    (run,) = results.glob("*-rnn-multi-task-*")
    record = json.loads((run / "result.json").read_text())
    for corpus in ("synthetic-calls", "synthetic-acted"):
        told = record["onnx"][corpus]
        predictor = Predictor(run / told["file"], "cpu")
        assert predictor.labels == tuple(record["corpora"][corpus]["labels"])
        assert predictor.metadata["uar_onnx"] == repr(told["uar"])
        assert told["uar"] == pytest.approx(record["per_corpus"][corpus]["test"]["scores"]["uar"], abs=0.1)
        low, high = json.loads(predictor.metadata["uar_interval"])
        assert 0 <= low <= high <= 1
        assert (run / told["file"]).with_suffix(".md").exists()


def test_a_matrix_exports_without_a_word_of_the_exporters(joint):
    _, done = joint
    assert "Warning" not in done.stderr
    assert "[W" not in done.stderr


def test_a_network_that_cannot_be_exported_says_so_in_the_report_and_keeps_its_scores(joint):
    results, done = joint
    (run,) = results.glob("*-odd-multi-task-*")
    record = json.loads((run / "result.json").read_text())
    reason = record["onnx"]["synthetic-calls"]["error"]
    assert reason.startswith("not written: the network cannot be exported (")
    assert "\n" not in reason
    assert "uar" in record["scores"]["test"]
    assert not list(run.glob("*.onnx"))
    told = emonet("report", results)
    assert f"not exported: synthetic-calls odd multi-task s0: {reason}" in told.output
    assert reason in done.stdout


def test_a_joint_run_makes_a_bank_that_predicts_for_each_task(joint, tmp_path):
    results, _ = joint
    (run,) = results.glob("*-rnn-multi-task-*")
    done = emonet("export", run, "--bank", "-o", tmp_path / "bank.onnx")
    assert done.exit_code == 0, done.output
    assert "| bank | " in done.stdout
    files = {one.name: one.file for one in Plugins().corpora["synthetic-calls"].load()}
    with (run / "predictions-synthetic-calls.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    clips = [str(files[row["utterance"]]) for row in rows]
    done = emonet("predict", tmp_path / "bank.onnx", "--task", "synthetic-calls", "--format", "csv", *clips)
    assert [line.split(",")[3] for line in done.stdout.splitlines()[1:]] == [row["prediction"] for row in rows]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RUN", "RUN"], "a file holds one run; add --bank"),
        (["RUN", "--bank"], "--bank: needs --output FILE"),
        (
            ["RUN", "--bank", "-o", "x.onnx", "--quantize", "int8"],
            "goes with none of --corpus, --quantize, --single, --audonnx",
        ),
        (["RUN", "-o", "OUT/x.onnx", "--quantize", "int8"], "x.onnx has neither convolutions nor large products"),
        (["RUN", "-o", "OUT/nowhere/x.onnx"], "x.onnx: there is no folder "),
        (["RUN", "RUN", "--bank", "-o", "OUT/nowhere/x.onnx"], "x.onnx: there is no folder "),
        (["RUN", "-o", "card.md"], "card.md: a model's name ends in .onnx"),
        (["RUN", "RUN", "--bank", "-o", "model"], "model: a model's name ends in .onnx"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(run, tmp_path, arguments, message):
    given = [str(run) if one == "RUN" else one.replace("OUT", str(tmp_path)) for one in arguments]
    done = emonet("export", *given)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert message in line
