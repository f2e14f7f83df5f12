"""Mutated command lines: every command answers with an exit status and one line, never with a traceback."""

import random
from types import SimpleNamespace

import pytest
import rich_click as click
from click.testing import CliRunner

from emonet_bench.cli import COMMANDS, main
from tests.hostile import HOSTILE, obeyed
from tests.in_process import processes_forked
from tests.written import Results

ODD = [
    *HOSTILE.values(), "", " ", "-", "--", "-o", "--help", "~nouser", "~nouser/x", ".", "../x", "/proc/none/x", "file", "file/x", "folder",
    "a" * 300, "x/" * 2500, "9" * 5000, "-1", "0", "1", "2.5", "nan", "inf", "-inf", "1e999", "0x10", "1/2", "0/0", "1/99999999999", "1/", "/",
    "training=5", "training.epochs=x", "training.epochs=-1", "seeds.x=1", "seeds=[]", "epochs=[]", "=", "a=b=c", "options.cnn.width=1", "corpora=[[[",
    "a,b", ",", "corpus", "corpus,corpus", "seed=0", "seed=x", "uar", "cpu", "cuda:99", "none", "true", "null", "[1, 2", "{}", "%s%n", "$(touch x)",
    "results", "results/*", "broken.onnx", "table.csv", "matrix.toml",
]  # fmt: skip
DEEP = 3000  # of a slow run


pytestmark = pytest.mark.filterwarnings("default")  # a plugin that is left out is a warning


@pytest.fixture
def surroundings(tmp_path, monkeypatch):
    """A place of its own two folders deep, in which nothing is trained."""
    here = tmp_path / "one" / "two"
    (here / "folder").mkdir(parents=True)
    (here / "file").write_text("")
    (here / "broken.onnx").write_bytes(b"\x08\x07no model")
    (here / "table.csv").write_text("file,label,speaker\nx.wav,a,s\n")
    (here / "matrix.toml").write_text('corpora = ["nowhere"]\n')
    results = Results(here / "results")
    results.add()
    results.add(strategy="broken", error="[/s] boom")
    monkeypatch.chdir(here)
    for name in ("HOME", "EMONET_BENCH_CONFIG_DIR", "EMONET_BENCH_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("EMONET_BENCH_CORPORA_DIR", raising=False)
    from emonet_bench.cli import dry_run, matrix, task_run

    monkeypatch.setattr(matrix, "work", lambda *_, **__: SimpleNamespace(failures=()))
    monkeypatch.setattr(dry_run, "show", lambda *_, **__: None)
    monkeypatch.setattr(task_run, "carry_out", lambda *_, **__: True)
    return tmp_path


def leaves():
    """Every command with the words that lead to it."""
    context = click.Context(main)
    for name in COMMANDS:
        _, command, _ = main.resolve_command(context, [name])
        if isinstance(command, click.Group):
            yield from (((name, sub), command.commands[sub]) for sub in command.commands)
        else:
            yield (name,), command


LEAVES = [leaf for leaf in leaves() if leaf[0] != ("doctor",)]  # it imports torch, and takes nothing


def command_line(draw, words, command):
    """Choose options of a command and odd values for them."""
    line = []
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    for option in draw.sample(options, min(len(options), draw.randint(0, 3))):
        line.append(draw.choice(option.opts))
        if not option.is_flag:
            line += [draw.choice(ODD) for _ in range(max(1, option.nargs) if draw.random() < 0.9 else 0)]
    for _ in range(draw.choice([0, 1, 1, 1, 2, 3])):
        line.insert(draw.randint(0, len(line)), draw.choice(ODD))
    if words[-1] == "status" and "--watch" in line:
        line.remove("--watch")
    before = [draw.choice(["--plugin", "--corpora-dir"]), draw.choice(ODD)] if draw.random() < 0.2 else []
    if draw.random() < 0.05:
        before.append(draw.choice(ODD))
    return [*before, *words, *line]


def hold(line):
    """Run a command line and hold it to a status, to no traceback and to output that nothing obeys."""
    with processes_forked():
        done = CliRunner().invoke(main, line)
    assert done.exception is None or isinstance(done.exception, SystemExit), (line, done.exc_info)
    assert done.exit_code in (0, 1, 2), line
    assert "Traceback" not in done.output, line
    assert obeyed(done.output) == [], line
    if done.exit_code == 2:
        errors = [text for text in done.stderr.splitlines() if not text.startswith("Warning: ")]
        assert errors[0].startswith("Error: "), line
        assert len(errors) == 1, (line, errors)
    return done


def outside(folder):
    """The folders beside the place where the command lines run, and above it."""
    return sorted(path.name for path in (*folder.iterdir(), *(folder / "one").iterdir()))


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: "-".join(leaf[0]))
def test_odd_command_lines_end_in_one_line(surroundings, leaf):
    draw = random.Random("-".join(leaf[0]))
    for _ in range(12):
        hold(command_line(draw, *leaf))
    assert set(outside(surroundings)) <= {
        "one",
        "two",
        "HOME",
        "EMONET_BENCH_CONFIG_DIR",
        "EMONET_BENCH_CACHE_DIR",
        "x",
    }


@pytest.mark.slow
def test_thousands_of_odd_command_lines_end_in_one_line(surroundings):
    draw = random.Random(0)
    codes = [hold(command_line(draw, *draw.choice(LEAVES))).exit_code for _ in range(DEEP)]
    assert codes.count(2) > DEEP / 2
