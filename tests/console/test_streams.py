"""Consoles of every kind: other encodings, closed, broken, full, dumb; never a traceback, and the exit status is kept."""

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emonet_bench.cli import main
from emonet_bench.console import streams
from tests.hostile import HOSTILE, obeyed
from tests.written import Results

COMMAND = [sys.executable, "-m", "emonet_bench"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    written = Results(tmp_path_factory.mktemp("consoles") / "results")
    for seed in (0, 1):
        written.add(seed=seed, right=0.8, options={"kind": "怒り"})
        written.add(seed=seed, right=0.6, options={"kind": "joie é"})
    written.add(strategy="broken", error="größer ✗ ±")
    return written.folder


def run(*arguments, redirect="", **changes):
    """Run a command line in a shell of its own, with its redirections."""
    environment = {**os.environ, "EMONET_BENCH_PLUGINS": "", "COLUMNS": "80", **changes}
    environment = {name: value for name, value in environment.items() if value is not None}
    words = ["bash", "-c", f'"$@" {redirect}', "bash", *COMMAND, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, check=False, env=environment, timeout=120)


@pytest.fixture
def here(monkeypatch):
    """Run a command line in this process, whose standard streams are files of an encoding."""
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "")
    monkeypatch.setenv("COLUMNS", "80")

    def ran(*arguments, encoding):
        written = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as ended:
            patch.setattr(sys, "stdout", written[0])
            patch.setattr(sys, "stderr", written[1])
            main(list(map(str, arguments)))
        for stream in written:
            stream.flush()
        return ended.value.code, *(stream.buffer.getvalue() for stream in written)

    return ran


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-16", "utf-8"])
@pytest.mark.parametrize(("command", "status"), [("report", 0), ("status", 0), ("verify", 1)])
def test_an_encoding_that_lacks_a_character_costs_only_that_character(results, here, encoding, command, status):
    code, output, errors = here(command, results, encoding=encoding)
    assert (code, errors) == (status, b"")
    told = output.decode(encoding)
    assert ("größer" if encoding != "ascii" else r"gr\xf6\xdfer") in told or command == "verify"
    assert ("怒り" if encoding.startswith("utf") else r"\u6012\u308a") in told or command != "report"


def test_the_hosts_own_signs_have_plain_ones(results):
    told = run("report", results, PYTHONIOENCODING="ascii").stdout.decode()
    assert "+-." in told
    assert r"\u2013" not in told
    assert "#" in "".join(streams.SIMPLER.values())


@pytest.mark.parametrize("form", ["csv", "json", "markdown", "latex", "html"])
def test_what_is_a_files_content_is_utf8_whatever_the_console(results, here, form):
    code, output, _ = here("report", results, "--format", form, encoding="ascii")
    assert code == 0
    assert "怒り" in output.decode("utf-8")
    if form == "json":
        assert {cell["tag"] for cell in json.loads(output)["cells"]} == {"kind=怒り", "kind=joie é", ""}


GOOD, WRONG = (("report",), 0), (("report", "--sort", "nothing"), 2)


@pytest.mark.parametrize(
    ("redirect", "case"),
    [
        (">&-", GOOD),
        ("2>&-", WRONG),
        ("<&-", GOOD),
        (">&- 2>&-", WRONG),
        (">&- 2>&- <&-", GOOD),
        (">&- 2>&- <&-", WRONG),
    ],
)
def test_closed_streams_change_no_exit_status(results, redirect, case):
    (command, *options), status = case
    done = run(command, results, *options, redirect=redirect)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr


def test_no_file_gets_the_number_of_a_closed_stream(results, tmp_path):
    target = tmp_path / "report.csv"
    done = run("report", results, "--format", "csv", "-o", target, redirect=">&- 2>&-")
    assert done.returncode == 0
    assert target.read_text(encoding="utf-8").startswith("corpus,")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("redirect", "status"), [("2>/dev/full", 2), (">/dev/full 2>/dev/full", 2)])
def test_a_message_that_cannot_be_written_is_no_traceback(tmp_path, redirect, status):
    done = run("report", tmp_path / "absent", redirect=redirect)
    assert (done.returncode, done.stderr) == (status, b"")


@pytest.mark.parametrize("command", ["report", "status", "verify"])
def test_a_reader_that_leaves_early_is_no_traceback(results, command):
    done = run(command, results, redirect="2>&1 >/dev/null | head -c 0; exit ${PIPESTATUS[0]}")
    assert done.returncode in (0, 1, 120, 141)
    quiet = run(command, results, redirect="| head -c 1 >/dev/null; exit ${PIPESTATUS[0]}")
    assert quiet.returncode in (0, 1)
    assert quiet.stderr == b""


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colours_gets_none(results, changes):
    pty = pytest.importorskip("pty")
    control, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "EMONET_BENCH_PLUGINS": "", **changes}
    command = [*COMMAND, "report", str(results), "--sort", "nothing"]
    done = subprocess.run(command, stdout=terminal, stderr=terminal, env=environment, check=False)
    os.close(terminal)
    told = os.read(control, 10_000)
    os.close(control)
    assert done.returncode == 2
    assert b"Error:" in told
    assert b"\x1b" not in told


def test_without_a_home_nothing_is_written_where_one_stands(results, tmp_path):
    environment = {"HOME": None, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None}
    done = run("report", results, **environment)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_text_of_others_is_shown_and_not_obeyed(capsys):
    for text in HOSTILE.values():
        streams.say(text)
        streams.say(text, err=True, before="Error:")
    told = capsys.readouterr()
    assert obeyed(told.out + told.err) == []
    assert "[noise]" in told.out


def test_log_lines_on_a_console_are_shown_and_not_obeyed():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(streams.LogFormatter("%(message)s"))
    for text in HOSTILE.values():
        handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "%s", (text,), None))
    assert obeyed(stream.getvalue()) == []
