"""The terminal: text of others is text, and no table breaks a word at 80 columns."""

import io
import re

import pytest
from click.testing import CliRunner
from rich.table import Table
from rich.text import Text

from emonet_bench.cli import main
from emonet_bench.console.terminal import Fitting, Terminal, grid
from emonet_bench.hookspecs import API
from emonet_bench.plugins.loading import Plugins, Selection
from tests.hostile import HOSTILE, obeyed
from tests.written import LABELS, Results


def printed(renderable, width=80):
    console = Terminal(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(renderable)
    return console.file.getvalue()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("wrap", [str, Text, lambda text: Text("x ").append(text, "red")])
def test_strings_and_texts_are_shown_and_not_obeyed(text, wrap):
    table = Table(title=wrap(text))
    table.add_column(wrap(text))
    table.add_row(wrap(text))
    assert obeyed(printed(table) + printed(wrap(text))) == []


def test_markup_and_emoji_codes_are_text():
    told = printed("a [noise] [/s] [bold]b[/bold] :smile:")
    assert told == "a [noise] [/s] [bold]b[/bold] :smile:\n"


@pytest.mark.parametrize(("width", "shown"), [(80, "wide"), (10, "narrow")])
def test_the_first_table_that_fits_is_shown(width, shown):
    wide, narrow = grid("wide", "of many columns"), grid("narrow")
    for table in (wide, narrow):
        table.add_row(*["x"] * len(table.columns))
    told = printed(Fitting(wide, narrow), width)
    assert ("of many columns" in told) == (shown == "wide")


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("EMONET_BENCH_CORPORA_DIR", raising=False)

    def run(*arguments):
        done = CliRunner().invoke(main, list(map(str, arguments)))
        assert done.exit_code == 0, done.output
        return done.output

    return run


def words(text):
    return set(re.findall(r"[^\s│]+", text))


def test_the_list_of_corpora_breaks_no_word(narrow):
    told = words(narrow("corpora", "list"))
    for corpus in Plugins(Selection(names=("corpora",))).corpora.values():
        assert {corpus.name, *corpus.title.split(), *corpus.licence.split()} <= told


def test_the_list_of_corpora_is_read_in_forty_columns(narrow, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    told = narrow("corpora", "list")
    for corpus in Plugins(Selection(names=("corpora",))).corpora.values():
        assert {corpus.name, *corpus.title.split()} <= words(told)
    assert len(told.splitlines()) < 400


def test_the_list_of_plugins_breaks_no_word(narrow):
    told = narrow("plugins", "list")
    plugins = Plugins()
    assert {*plugins.corpora, *plugins.architectures} <= {word.strip(",") for word in words(told)}
    assert f"Plugin API {API} of emonet-bench" in told


def test_the_partitions_of_many_labels_are_turned(narrow, monkeypatch):
    told = narrow("corpora", "show", "synthetic-acted")
    assert {"partition", "train", "dev", "test", "speakers", "minutes"} <= words(told)
    monkeypatch.setenv("COLUMNS", "50")
    turned = narrow("corpora", "show", "synthetic-acted")
    labels = Plugins().corpora["synthetic-acted"].labels
    assert {*labels, "partition", "speakers", "minutes"} <= words(turned)


@pytest.mark.parametrize("columns", [2, 6])
def test_a_report_breaks_no_word(narrow, tmp_path, columns):
    results = Results(tmp_path / "results")
    for number in range(columns):
        results.add("a-corpus-of-telephone-calls", f"architecture{number}", right=0.5)
    told = words(narrow("report", results.folder))
    assert {"a-corpus-of-telephone-calls", *(f"architecture{number}" for number in range(columns))} <= told
    assert len(LABELS) == 3


def test_status_breaks_no_word_of_a_state(narrow, tmp_path):
    results = Results(tmp_path / "results")
    results.add("c" * 60, error="a reason of several words that is longer than what is left of a line of eighty")
    assert {"failed:", "reason", "eighty"} <= words(narrow("status", results.folder))
