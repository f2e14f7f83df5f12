"""The plan that ``run matrix --dry-run`` prints, its estimate, and shards."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from rich.console import Console

from emonet_bench.cli import dry_run, main
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.planning import cost
from emonet_bench.matrix.planning.cost import Cost
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.spec import Cell, ZeroShotTarget
from tests.written import trainable_spec as spec


@pytest.fixture
def probed(monkeypatch, tmp_path):
    """The kinds that are probed, in a cache of their own."""
    seen = []
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(dry_run, "_probed", lambda spec, _: seen.append(spec.architecture) or Cost(0.5, 700))
    return seen


def costs(*specs):
    cells = [Cell(spec, f"{number:016}") for number, spec in enumerate(specs)]
    return dry_run._costs(PlannedMatrix(cells, Plugins(), {}), cells)


def test_each_kind_of_cell_is_probed_once_and_what_needs_no_steps_never(probed):
    cnn = spec("cnn")
    found = costs(cnn, cnn.model_copy(update={"seed": 1, "strategy": "adapters"}), spec("rnn"), spec("chance"))
    assert probed == ["cnn", "rnn"]
    assert list(found.values()) == [Cost(0.5, 700)] * 2


def test_a_second_dry_run_probes_only_what_is_new_changed_or_damaged(probed, monkeypatch, tmp_path):
    first = costs(spec("cnn"), spec("rnn"))
    assert costs(spec("cnn"), spec("rnn")) == first
    assert probed == ["cnn", "rnn"]
    costs(spec("cnn", number_of_filters=4))
    assert probed == ["cnn", "rnn", "cnn"]
    for file in tmp_path.glob("probes/*"):
        file.write_text("damaged")
    assert costs(spec("rnn")) == costs(spec("rnn"))
    assert probed == ["cnn", "rnn", "cnn", "rnn"]
    monkeypatch.setattr(cost, "version", lambda _: "9.9")
    costs(spec("rnn"))
    assert probed == ["cnn", "rnn", "cnn", "rnn", "rnn"]


def test_a_probe_that_breaks_is_left_out_and_not_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(dry_run, "_probed", lambda *_: None)
    assert costs(spec("cnn")) == {}
    assert not list(tmp_path.glob("probes/*"))


def test_a_cache_that_cannot_be_written_costs_only_the_next_probe(probed, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path / "file"))
    assert costs(spec("cnn")) == costs(spec("cnn"))
    assert probed == ["cnn", "cnn"]


def test_a_plan_leaves_out_what_nobody_needs_and_cells_that_train_nothing(probed, capsys, tmp_path):
    source, crossing = spec("cnn"), spec("cnn", number_of_filters=4)
    crossing = crossing.model_copy(update={"evaluate": ZeroShotTarget(corpus="d", protocol="p", labels={"a": "a"})})
    skipped = spec("cnn").model_copy(update={"seed": 1})
    cells = [
        Cell(source, "a" * 16, wanted=False),
        Cell(skipped, "b" * 16, source="a" * 16, skip="not here"),
        Cell(crossing, "c" * 16),
    ]
    planned = PlannedMatrix(cells, Plugins(), {c.run_id: 0 for c in cells})
    dry_run.show(planned, RunOptions(tmp_path / "results", jobs=1), Console())
    told = capsys.readouterr().out
    assert "not needed: no cell that is left to run starts from it" in told
    assert "3 cells: 1 not needed, 1 skipped, 1 to run." in told
    assert probed == []


def test_features_that_cells_share_are_counted_once_for_each_corpus(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path))
    measured = {4: Cost(1e-5, 700, "same", 2.0), 8: Cost(1e-5, 700, "same", 2.0), 16: Cost(1.0, 700)}
    monkeypatch.setattr(dry_run, "_probed", lambda spec, _: measured[spec.architecture_options["number_of_filters"]])
    cells = [
        Cell(
            spec("cnn", number_of_filters=size).model_copy(update={"corpus": corpus, "fold": fold}),
            f"{size:08}{corpus}{fold:07}",
        )
        for size in measured
        for corpus in "cd"
        for fold in (0, 1)
    ]
    planned = PlannedMatrix(cells, Plugins(), {cell.run_id: 10 for cell in cells}, {"c": 100, "d": 200})
    dry_run.show(planned, RunOptions(tmp_path / "results", jobs=1), Console())
    told = capsys.readouterr().out
    assert f"Frozen features, computed once: about {cost.duration(2.0 * 300)}, less for what is kept" in told
    assert "c cnn scratch s0 f0  to do, about 1 s" in told


def test_a_share_without_cells_is_a_plan_of_nothing(capsys, tmp_path):
    dry_run.show(PlannedMatrix([], Plugins(), {}), RunOptions(tmp_path / "results"), Console())
    assert capsys.readouterr().out.strip() == "0 cells: nothing to run."


def test_of_a_matrix_that_only_searches_the_trials_are_counted(tmp_path):
    (tmp_path / "matrix.toml").write_text(
        'corpora = ["synthetic-acted"]\narchitectures = ["svm"]\n'
        'search = {sampler = "grid", space = {"options.svm.num_mels" = [13, 20, 26]}}\n',
        encoding="utf-8",
    )
    arguments = ["run", "matrix", tmp_path / "matrix.toml", "--dry-run", "--results", tmp_path / "results"]
    told = CliRunner().invoke(main, list(map(str, arguments)))
    assert told.exit_code == 0, told.output
    assert told.output.splitlines()[-1] == "1 search: at most 3 trials, then the tuned cells."


def test_planning_imports_no_torch():
    code = "import sys, emonet_bench.matrix.planning.plan, emonet_bench.cli.dry_run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ten_thousand_cells_are_planned_within_300_megabytes_and_without_torch(tmp_path):
    file = tmp_path / "matrix.toml"
    file.write_text(
        'corpora = ["synthetic-acted", "synthetic-calls"]\narchitectures = ["cnn"]\n'
        f"seeds = {list(range(500))}\n[training]\nepochs = {list(range(1, 11))}\n"
    )
    code = """
import sys
from pathlib import Path
from emonet_bench.cli import main

if __name__ == "__main__":
    main(["run", "matrix", *sys.argv[1:]], standalone_mode=False)
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024
    assert peak < 300, peak
    assert "torch" not in sys.modules, "torch belongs into the probe's process"
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    environment = {**os.environ, "EMONET_BENCH_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, script, file, "--results", tmp_path / "results", "--dry-run", "--jobs", "2"]
    chance = [
        sys.executable,
        "-m",
        "emonet_bench",
        "run",
        "matrix",
        *command[2:],
        "--architectures",
        "chance",
        "--seeds",
        "0",
    ]
    subprocess.run(chance, capture_output=True, check=True, env=environment)  # builds the corpora's stores
    for _ in range(2):  # with a probe, then with what it has left
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        assert "10000 cells: 10000 to run." in done.stdout
        assert "with 2 at once" in done.stdout
