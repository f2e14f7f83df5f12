"""Whatever happens to a matrix: nothing finished is lost, nothing is trained twice, the rest goes on."""

import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import torch

from emonet_bench import report
from emonet_bench.config import Training
from emonet_bench.errors import StoreError
from emonet_bench.matrix.cells import cell as cell_module
from emonet_bench.matrix.cells.cell import run_cell
from emonet_bench.matrix.cells.job import Job
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.report.checking.verification import verify
from emonet_bench.report.html import render_html
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.spec import Cell, RunSpec
from emonet_bench.runs.store import RunStore
from emonet_bench.training import resume
from emonet_bench.types import Corpus, SplitRule, Utterance

RECIPE = Training(epochs=6, batch_size=8, window=0.5, device="cpu", precision="float32", limit=8)
SMALL = {"num_mels": 16, "n_fft": 256, "hop": 256, "number_of_resnet_blocks": 1, "number_of_filters": 4}


@pytest.fixture(scope="module")
def cell():
    plugins = Plugins()
    options = plugins.architectures["cnn"].options(**SMALL).model_dump(mode="json")
    spec = RunSpec(
        corpus="synthetic-calls",
        protocol=next(iter(plugins.corpora["synthetic-calls"].protocols)),
        architecture="cnn",
        architecture_options=options,
        strategy="scratch",
        strategy_options={},
        training=RECIPE,
        seed=0,
    )
    return Cell(spec, "0123456789abcdef")


def path(results, cell):
    return RunStore(results).path(cell.spec, cell.run_id)


def run(results, cell):
    return run_cell(Job(cell, Selection(), results))


def measured(directory):
    """Everything in a run's directory that was not read off a clock."""
    record = json.loads((directory / "result.json").read_text())
    for key in ("seconds", "peak_memory_mb", "started", "finished"):
        record.pop(key)
    history = [line.split(",")[:4] for line in (directory / "history.csv").read_text().splitlines()]
    return record, history, (directory / "predictions.csv").read_text(), (directory / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(cell, tmp_path_factory):
    results = tmp_path_factory.mktemp("uninterrupted")
    run(results, cell)
    started = time.perf_counter()
    run(tmp_path_factory.mktemp("again"), cell)
    return path(results, cell), time.perf_counter() - started


def killed_after(seconds, work):
    """Do work in a process of its own and kill it; True where it had ended before."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - a forked pytest must not go on
            os._exit(1)
        os._exit(0)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0
            return True
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_twenty_kills_at_random_moments_change_no_number_and_train_no_saved_epoch_twice(
    tmp_path, cell, uninterrupted, monkeypatch
):
    expected, seconds = uninterrupted
    log = tmp_path / "saved"
    save = resume.save

    def logged(file, standing, *rest):
        save(file, standing, *rest)
        with log.open("a") as stream:
            stream.write(f"{standing.epoch}\n")

    monkeypatch.setattr("emonet_bench.training.loop.SAVE_SECONDS", -1.0)
    monkeypatch.setattr("emonet_bench.training.resume.save", logged)
    moments = random.Random(5)
    kills, results = 0, 0
    while kills < 20:
        matrix = tmp_path / f"results-{results}"
        while not killed_after(moments.uniform(0, seconds), lambda matrix=matrix: run(matrix, cell)):
            kills += 1
        assert measured(path(matrix, cell)) == measured(expected)
        saved = [int(line) for line in log.read_text().split()]
        assert saved == sorted(set(saved))
        assert not list((matrix / ".pending").iterdir())
        log.unlink()
        results += 1


def test_a_kill_between_the_record_and_the_rename_trains_nothing_again(tmp_path, cell, uninterrupted, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunStore, "_move", die)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, cell)
    assert not path(tmp_path, cell).exists()
    monkeypatch.setattr(cell_module, "_carry_out", die)
    run(tmp_path, cell)
    assert measured(path(tmp_path, cell)) == measured(uninterrupted[0])


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_not_the_cells_failure_and_the_next_call_goes_on(tmp_path, cell, uninterrupted, monkeypatch):
    monkeypatch.setattr("emonet_bench.training.loop.SAVE_SECONDS", -1.0)
    with monkeypatch.context() as patch:
        patch.setattr(RunFiles, "write_predictions", full)
        with pytest.raises(StoreError, match="no space left on the disk; free some"):
            run(tmp_path, cell)
    assert not path(tmp_path, cell).exists()
    monkeypatch.setattr(torch.optim.AdamW, "step", full)  # every epoch was saved: none is trained again
    run(tmp_path, cell)
    assert measured(path(tmp_path, cell)) == measured(uninterrupted[0])


MATRIX = f"""
corpora = ["synthetic-calls"]
architectures = ["cnn"]
training = {{epochs = 1, batch_size = 8, window = 0.5, limit = 8, device = "cpu"}}
[options.cnn]
{"".join(f"{key} = {value}{chr(10)}" for key, value in SMALL.items())}
"""
FILLED = """
mount -t tmpfs -o size=64k none "$1" || exit 99
head -c 1000000 /dev/zero > "$1/fill" 2> /dev/null
shift
exec "$@"
"""


def with_full(folder, tmp_path):
    """Train a matrix while a folder is a disk of its own, and full."""
    (tmp_path / "matrix.toml").write_text(MATRIX)
    (tmp_path / "filled.sh").write_text(FILLED)
    private = ["unshare", "--map-root-user", "--mount", "sh", tmp_path / "filled.sh", folder]
    command = [sys.executable, "-m", "emonet_bench", "run", "matrix", tmp_path / "matrix.toml", "--export"]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    try:
        done = subprocess.run(
            [*private, *command, "--results", tmp_path / "results"],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
    except FileNotFoundError:
        pytest.skip("needs unshare (util-linux)")
    if done.returncode == 99 or done.stderr.startswith("unshare:"):
        pytest.skip("needs the right to mount")
    return done


@pytest.mark.slow
def test_a_full_temporary_folder_costs_nothing(tmp_path):
    (tmp_path / "temporary").mkdir()
    done = with_full(tmp_path / "temporary", tmp_path)
    assert done.returncode == 0, done.stderr
    (record,) = (tmp_path / "results").glob("[!.]*/result.json")
    assert {"scores", "onnx"} <= json.loads(record.read_text()).keys()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="where semaphores are files")
def test_a_full_shared_memory_is_told_in_one_line(tmp_path):
    (tmp_path / "temporary").mkdir()
    done = with_full("/dev/shm", tmp_path)
    assert done.returncode == 2
    assert "no worker process can be started (No space left on device); is /dev/shm full?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_full_disk_of_results_is_told_in_one_line(tmp_path):
    for name in ("temporary", "results"):
        (tmp_path / name).mkdir()
    done = with_full(tmp_path / "results", tmp_path)
    assert done.returncode == 1
    assert "no space left on the disk; free some and run the matrix again, it goes on from there" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_state_that_cannot_be_saved_costs_nothing_but_the_state(tmp_path, cell, uninterrupted, monkeypatch):
    monkeypatch.setattr("emonet_bench.training.loop.SAVE_SECONDS", -1.0)
    monkeypatch.setattr(resume, "save_file", full)
    run(tmp_path, cell)
    assert measured(path(tmp_path, cell)) == measured(uninterrupted[0])
    assert "the state of the training cannot be saved" in (path(tmp_path, cell) / "log.txt").read_text()


@pytest.mark.parametrize("raised", [RuntimeError("odd"), SystemExit(3)])
def test_what_an_architecture_raises_is_written_down_and_logged(tmp_path, cell, monkeypatch, raised):
    def build(*_):
        raise raised

    monkeypatch.setattr(cell_module._Run, "_prepare", build)
    run(tmp_path, cell)
    record = json.loads((path(tmp_path, cell) / "result.json").read_text())
    assert record["error"]["type"] == type(raised).__name__
    assert "Traceback" in (path(tmp_path, cell) / "log.txt").read_text()


def test_out_of_gpu_memory_halves_the_batch_and_record_and_table_say_so(tmp_path, cell, monkeypatch):
    forward = torch.nn.Conv2d.forward

    def scarce(module, inputs):
        if module.training and len(inputs) > 4:
            raise torch.OutOfMemoryError
        return forward(module, inputs)

    monkeypatch.setattr(torch.nn.Conv2d, "forward", scarce)
    run(tmp_path, cell)
    record = json.loads((path(tmp_path, cell) / "result.json").read_text())
    assert "each batch of 8 was run in 2 pieces" in record["notes"]["halved_batch"]
    summary = report.summarise(report.load(tmp_path))
    table = report.render_markdown(summary)
    assert "†" in table.splitlines()[2]
    assert r"$^{\dagger}$" in report.render_latex(summary)
    assert re.search(r"\.\d{3}†", render_html(summary))
    assert f"† halved batch: {cell.spec.title}: out of GPU memory: each batch of 8 was run in 2 pieces" in table


def test_a_log_holds_what_a_plugin_prints_and_warns_of(tmp_path, cell, monkeypatch, capsys):
    prepare = cell_module._Run._prepare

    def noisy(self, clips):
        sys.stdout.write("printed")
        return prepare(self, clips)

    monkeypatch.setattr(cell_module._Run, "_prepare", noisy)
    run(tmp_path, cell)
    assert "printed" in (path(tmp_path, cell) / "log.txt").read_text()
    assert "printed" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["speaker", "truth", "prediction", "partition", "file", "start", "end", "utterance"])
def test_a_label_may_be_called_like_a_column(tmp_path, name):
    labels = (name, "music")
    clips = [
        Utterance(f"{part}{i}", tmp_path / f"{part}{i}.wav", labels[i % 2], f"s{part}", partition=part)
        for part in ("train", "dev", "test")
        for i in range(4)
    ]
    generator = np.random.default_rng(0)
    for clip in clips:
        soundfile.write(clip.file, 0.1 * generator.standard_normal(4_000), 16_000)
    corpus = Corpus("odd", labels, lambda: clips, {"own": SplitRule()})
    spec = RunSpec(
        corpus="odd",
        protocol="own",
        architecture="chance",
        architecture_options={},
        strategy="scratch",
        strategy_options={},
        training=Training(device="cpu", precision="float32"),
        seed=0,
    )
    cell = Cell(spec, "0123456789abcdef")
    assert run_cell(Job(cell, Selection(), tmp_path / "results", corpora=(corpus,))) is None
    run = path(tmp_path / "results", cell)
    assert RunFiles(run).read_record().error is None, RunFiles(run).read_record().error
    assert verify(run).problems == []
    table = report.summarise(report.load(run))
    assert table.problems == ()
    assert table.rows[0].labels == 2
    assert (run / "predictions.csv").read_text().splitlines()[0].endswith(f"probability:{name},probability:music")
