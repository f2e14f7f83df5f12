"""``run matrix`` from the first line to the last: who listens, what stands below the table, which command comes next."""

from __future__ import annotations

import io
import shlex

import pytest
from rich.console import Console

from emonet_bench.cli import matrix
from emonet_bench.cli.live import LiveView
from emonet_bench.cli.matrix import work
from emonet_bench.config import Training
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.outcome import Outcome
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.matrix.progress import ProgressLines
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.spec import Cell, RunSpec
from tests.written import Results


def cell(seed, run_id):
    spec = RunSpec(
        corpus="emo", protocol="fixed", architecture="cnn", architecture_options={}, strategy="scratch",
        strategy_options={}, training=Training(epochs=2), seed=seed,
    )  # fmt: skip
    return Cell(spec, run_id)


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Carry a matrix out whose cells have ended as given; return the outcome, the listener and what was printed."""

    def run(outcome, cells=(), results=tmp_path, *, terminal=False):
        heard = []
        monkeypatch.setattr(matrix, "run_planned", lambda planned, options, given: heard.extend(given) or outcome)
        console = Console(file=io.StringIO(), width=100, force_terminal=terminal)
        planned = PlannedMatrix(cells, Plugins(Selection(names=())), {})
        assert work(planned, RunOptions(results), console) is outcome
        return heard, console.file.getvalue()

    return run


def finished(folder, seed=0):
    """A cell and its directory, with a checkpoint."""
    made = cell(seed, f"{seed + 1:08x}" + 8 * "0")
    path = Results(folder).add(seed=seed, run_id=made.run_id)
    (path / "model.safetensors").write_bytes(b"")
    return made, path


def test_the_table_and_a_command_to_copy_follow_a_run_that_can_be_exported(told, tmp_path):
    folder = tmp_path / "my results"
    made, path = finished(folder)
    _, text = told(Outcome(finished_cells=[made]), [made], folder)
    assert "UAR on test" in text
    assert f"\n1 finished. Results: {folder}/\n" in text
    assert shlex.split(text.splitlines()[-1]) == ["Next:", "emonet-bench", "export", str(path), "-o", "model.onnx"]


def test_runs_of_other_matrices_in_the_directory_are_no_part_of_the_table(told, tmp_path):
    made, _ = finished(tmp_path)
    Results(tmp_path).add(corpus="another", run_id="f" * 16)
    _, text = told(Outcome(finished_cells=[made]), [made])
    assert "emo" in text
    assert "another" not in text


def test_each_failure_is_told_as_it_stands_and_nothing_is_to_be_exported(told):
    made = cell(3, "a" * 16)
    outcome = Outcome(failures=[(made, "OSError: [red]disk[/red] " + "full " * 40)])
    _, text = told(outcome, [made])
    assert f"failed: {made.spec.title}: OSError: [red]disk[/red] {'full ' * 40}" in text
    assert "1 failed. Results:" in text
    assert "Next:" not in text


def test_states_that_no_cell_is_in_are_not_counted(told):
    made = cell(0, "b" * 16)
    _, text = told(Outcome(skips=[(made, "no adapter points")]), [made])
    assert "\n1 skipped. Results:" in text
    assert "finished" not in text


@pytest.mark.parametrize(("terminal", "listener"), [(True, LiveView), (False, ProgressLines)])
def test_a_terminal_has_a_live_view_and_everything_else_lines(told, terminal, listener):
    heard, _ = told(Outcome(), terminal=terminal)
    assert [type(one) for one in heard] == [listener]
