"""``emonet-predict``: one program, whose commands are those of ``emonet-bench``, and which imports little."""

import subprocess
import sys
from importlib.metadata import version

import pytest
import rich_click
from click.testing import CliRunner

from emonet_bench.cli import main as bench
from emonet_bench.deploy.cli import COMMANDS, main
from tests.exported import export_listener


def emonet(*arguments):
    return CliRunner().invoke(main, [str(word) for word in arguments])


@pytest.mark.parametrize("first", [(), ("--format", "csv")])
def test_what_names_no_command_is_predicted(tmp_path, first):
    model = export_listener(tmp_path / "model.onnx")
    (tmp_path / "bad.wav").write_text("not audio")
    named = emonet("predict", *first, model, tmp_path / "bad.wav")
    assert named.exit_code == 1
    assert "Skipped" in named.stderr
    plain = emonet(*first, model, tmp_path / "bad.wav")
    assert (plain.exit_code, plain.stdout, plain.stderr) == (1, named.stdout, named.stderr)


def test_help_lists_every_command_and_version_is_the_packages():
    told = " ".join(emonet("--help").stdout.split())
    assert all(f"{name} {text}" in told for name, text in COMMANDS.items())
    assert emonet("--version").stdout == f"emonet-predict, version {version('emonet-bench')}\n"


@pytest.mark.parametrize("name", [name for name in COMMANDS if name in bench.lazy])
def test_emonet_bench_has_the_same_command_in_its_own_dress(name):
    _, command, _ = bench.resolve_command(rich_click.Context(bench), [name])
    own = main.get_command(rich_click.Context(main), name)
    assert isinstance(command, rich_click.RichCommand)
    if name != "show":  # which describes runs, too
        assert (command.callback, command.params, command.help) == (own.callback, own.params, own.help)


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys; from emonet_bench.deploy.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'pandas', 'onnxruntime', 'numpy', 'pydantic', 'pluggy', 'rich_click', 'starlette'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_a_mistake_is_one_line_and_status_2(tmp_path):
    done = emonet(tmp_path / "absent.onnx", "clip.wav")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: {tmp_path / 'absent.onnx'}: no such file; give a model written by 'emonet-bench export'\n"
    )


@pytest.mark.parametrize(("word", "command"), [("predct", "predict"), ("serv", "serve"), ("verify", "verify-model")])
def test_a_command_that_is_misspelt_is_told_the_nearest_unless_a_file_is_called_so(
    tmp_path, monkeypatch, word, command
):
    monkeypatch.chdir(tmp_path)
    done = emonet(word, "clip.wav")
    assert (done.exit_code, done.stdout) == (2, "")
    words = f"'{word}' is neither a file nor a command; did you mean {command}?"
    assert done.stderr == f"Error: {words} Try 'emonet-predict --help'.\n"
    (tmp_path / word).write_text("no model")
    assert f"{word}: not an ONNX file" in emonet(word, "clip.wav").stderr


@pytest.mark.parametrize("name", ["show.onnx", "page.onnx", "model.onnx", "serving/model.onnx"])
def test_a_missing_model_is_no_misspelt_command(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert f"{name}: no such file" in emonet(name, "clip.wav").stderr
