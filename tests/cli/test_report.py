"""``emonet-bench report``: where its output goes."""

import csv
import os
import threading

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from tests.written import Results

PLUGIN = """
from emonet_bench import hookimpl
from emonet_bench.config import Options, option
from emonet_bench.types import Metric, ReportFormat

class Wiki(Options):
    bar: str = option("|", "What stands between cells.")

def wiki(table, options):
    print("noise")
    return options.bar.join(row.corpus for row in table.rows)

@hookimpl
def emonet_report_formats():
    return [
        ReportFormat("wiki", Wiki, wiki),
        ReportFormat("broken", Options, lambda table, options: 1 / 0),
        ReportFormat("mute", Options, lambda table, options: None),
        ReportFormat("leaving", Options, lambda table, options: exit(0)),
        ReportFormat("odd", Options, lambda table, options: "a\\udc80b"),
    ]

def noisy(truth, predicted):
    print("noise")
    return 0.25

@hookimpl
def emonet_metrics():
    return [
        Metric("faulty", ("label",), lambda truth, predicted: {}["joy"]),
        Metric("quarter", ("label",), noisy, title="Quarter"),
    ]
"""


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


@pytest.fixture
def with_plugin(results, tmp_path):
    results_of = Results(results)
    results_of.count = 1
    results_of.add(corpus="other")
    (tmp_path / "mine.py").write_text(PLUGIN)
    return lambda *words: CliRunner().invoke(
        main, ["--plugin", str(tmp_path / "mine.py"), "report", str(results), *words]
    )


def test_a_plugins_format_is_used_by_its_name_with_its_options(with_plugin):
    assert with_plugin("--format", "wiki").stdout == "emo|other"
    assert with_plugin("--format", "wiki", "--format-option", "bar= / ").stdout == "emo/other"


def test_a_metric_of_a_single_file_is_shown_and_what_it_prints_is_no_part_of_the_report(with_plugin):
    done = with_plugin("--metric", "quarter", "--format", "csv")
    assert done.exit_code == 0
    assert "noise" not in done.stdout
    assert {row["score"] for row in csv.DictReader(done.stdout.splitlines())} == {"0.25"}


def test_text_of_a_format_that_is_no_unicode_is_written_with_escapes(with_plugin):
    assert with_plugin("--format", "odd").stdout == r"a\udc80b"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "wikki"), "--format wikki: no plugin offers it; did you mean 'wiki'?"),
        (("--format", "wiki", "--format-option", "baar=1"), "--format-option wiki.baar: unknown option; did you mean"),
        (
            ("--format", "wiki", "--format-option", "bar"),
            "--format-option bar: write it as key=value, such as digits=3",
        ),
        (("--format-option", "bar=1"), "--format-option bar=1: the terminal's table has no options; name a --format"),
        (("--format", "broken"), "mine.py): report-format broken: render raised ZeroDivisionError"),
        (("--format", "leaving"), "mine.py): report-format leaving: render raised SystemExit(0)"),
        (("--metric", "faulty"), "mine.py): metric faulty: compute raised KeyError('joy')"),
        (("--format", "mute"), "format mute must return text; got NoneType"),
    ],
)
def test_what_is_wrong_with_a_format_is_one_line(with_plugin, words, message):
    done = with_plugin(*words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr


@pytest.mark.parametrize("form", ["csv", "html", "json", "latex", "markdown"])
def test_every_built_in_format_is_registered_and_written(results, form):
    done = report(results, "--format", form)
    assert done.exit_code == 0, done.output
    assert "emo" in done.stdout
