"""``emonet-bench run matrix``: how its flags change the matrix, the selection and the options; nothing is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main, matrix
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.outcome import Outcome

MATRIX = """
corpora = ["synthetic-acted", "synthetic-calls"]
architectures = ["chance"]
strategies = ["scratch"]
seeds = [0, 1]
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Type a command: the planned matrix, the options and what was said."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.toml").write_text(MATRIX)
    seen, outcome = [], Outcome()

    def work(planned, options, console):
        seen.append((planned, options))
        return outcome

    monkeypatch.setattr(matrix, "work", work)

    def typed(line, failures=()):
        outcome.failures[:] = failures
        done = CliRunner().invoke(main, ["run", "matrix", *line.split()], prog_name="emonet-bench")
        planned, options = seen.pop() if seen else (None, None)
        return planned, options, done

    return typed


def cells(planned):
    return [(cell.spec.corpus, cell.spec.architecture, cell.spec.seed) for cell in planned.cells]


def test_without_flags_the_file_is_run_as_it_stands(run):
    planned, options, done = run("m.toml")
    assert done.exit_code == 0, done.output
    assert sorted(cells(planned)) == [
        (corpus, "chance", seed) for corpus in ("synthetic-acted", "synthetic-calls") for seed in (0, 1)
    ]
    assert options == RunOptions()


def test_lists_and_single_values_go_before_the_files(run):
    line = "m.toml --corpora synthetic-calls, --seeds 7 --architectures rnn --set training.epochs=3 --limit 9"
    planned, _, done = run(line)
    assert done.exit_code == 0, done.output
    assert cells(planned) == [("synthetic-calls", "rnn", 7)]
    (cell,) = planned.cells
    assert (cell.spec.training.epochs, cell.spec.training.limit) == (3, 9)


def test_every_option_of_running_has_its_flag(run):
    flags = "--results out --jobs 3 --executor threads --export --force --retry-failed --reuse --skip-bad-files"
    _, options, _ = run(f"m.toml {flags}")
    assert options == RunOptions(
        Path("out"), "3", "threads", export=True, force=True, retry_failed=True, reuse=True, skip_bad_files=True
    )


def test_shares_together_are_the_matrix(run):
    shares = [cells(run(f"m.toml --shard {number}/2")[0]) for number in (1, 2)]
    assert sorted([*shares[0], *shares[1]]) == sorted(cells(run("m.toml")[0]))
    assert all(shares)


def test_a_failed_cell_is_status_one(run):
    assert run("m.toml", failures=[("cell", "reason")])[2].exit_code == 1


def test_a_dry_run_does_no_work(run):
    planned, _, done = run("m.toml --dry-run")
    assert (planned, done.exit_code) == (None, 0)
    assert "synthetic-acted" in done.stdout


def test_options_of_the_executor_are_values_of_toml_or_else_words(run):
    _, options, _ = run("m.toml --executor ray --executor-option address=there:6379 --executor-option retries=3")
    assert (options.executor, options.executor_options) == ("ray", {"address": "there:6379", "retries": 3})


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("absent.toml", "absent.toml"),
        ("m.toml --seeds 1,x", "--seeds 1,x: give whole numbers, separated by commas"),
        ("m.toml --device gpu", "--device gpu: give auto, cpu, cuda or cuda:N"),
        ("m.toml --corpora synthetic-call", "did you mean 'synthetic-calls'?"),
        ("m.toml --set training.epochs", "training.epochs"),
        ("m.toml --limit 1", "--limit"),
        ("m.toml --shard 3/2", "3/2"),
        ("m.toml --plugin absent.py", "absent.py"),
    ],
)
def test_a_mistake_is_one_line_and_no_work(run, flags, words):
    planned, _, done = run(flags)
    assert planned is None
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
    assert words in done.stderr
