"""``emonet-bench report``: where its output goes."""

import os
import threading

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from tests.written import Results


@pytest.fixture
def results(tmp_path):
    written = Results(tmp_path / "results")
    written.add()
    return written.folder


def report(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_a_report_replaces_the_old_one_whole_and_follows_no_link(results, tmp_path):
    target, link = tmp_path / "theirs.md", tmp_path / "table.md"
    target.write_text("theirs")
    link.symlink_to(target)
    assert report(results, "--format", "markdown", "-o", link).exit_code == 0
    assert target.read_text() == "theirs"
    assert link.read_text().startswith("| corpus |")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "table.md", "theirs.md"]


def test_an_output_that_cannot_be_written_is_one_line_and_leaves_nothing(results, tmp_path):
    done = report(results, "-o", tmp_path / "absent" / "table.txt")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "absent/table.txt: cannot be written" in done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_a_pipe_is_written_to_and_not_replaced(results, tmp_path):
    pipe, seen = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: seen.append(pipe.read_text()))
    reader.start()
    assert report(results, "--format", "csv", "-o", pipe).exit_code == 0
    reader.join(10)
    assert seen[0].startswith("corpus,")
    assert pipe.is_fifo()
