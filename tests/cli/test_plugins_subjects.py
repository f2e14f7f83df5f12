"""Test subjects of ``plugins check``: what a name means, with which options, and why something cannot be tried."""

from __future__ import annotations

import pytest

from emonet_bench.cli.plugins_check import Request
from emonet_bench.cli.plugins_subjects import subjects
from emonet_bench.errors import ConfigError
from emonet_bench.plugins.loading import Plugins, Selection

PLUGIN = """
from concurrent.futures import ThreadPoolExecutor
from emonet_bench import hookimpl
from emonet_bench.config import Options, option
from emonet_bench.errors import CorpusError, Skipped
from emonet_bench.types import Architecture, Corpus, ExecutorKind, SplitRule, Strategy

class Sized(Options):
    width: int = option(2, "Width.", ge=1)

class Needy(Options):
    weights: str = option(..., "No default.")

def absent():
    raise CorpusError("corpus far: no audio; get it from https://example.org")

def broken():
    raise ZeroDivisionError

def picky(network, corpora, source, options):
    raise Skipped("only for mirrors")

@hookimpl
def emonet_corpora():
    rule = {"own": SplitRule()}
    return [Corpus("far", ("a", "b"), absent, rule), Corpus("torn", ("a", "b"), broken, rule)]

@hookimpl
def emonet_architectures():
    return [Architecture("net", "toy", Sized, print), Architecture("needy", "toy", Needy, print)]

@hookimpl
def emonet_strategies():
    return [Strategy("picky", Options, picky)]

class Patient(Options):
    patience: float = option(1.0, "Patience.")

@hookimpl
def emonet_executors():
    return [ExecutorKind("pool", Patient, lambda options, workers, devices: ThreadPoolExecutor(workers))]

@hookimpl
def emonet_skip(spec):
    return None
"""


@pytest.fixture
def find(tmp_path):
    (tmp_path / "mine.py").write_text(PLUGIN)
    plugins = Plugins(Selection(names=(), files=(tmp_path / "mine.py",), strict=True))

    def found(name, window=None, **settings):
        return {(one.kind, one.name): one for one in subjects(Request(name, settings, window), plugins)}

    return found


def test_the_name_of_a_plugin_means_everything_that_it_registers(find):
    assert [*find("mine")] == [
        ("corpus", "far"), ("corpus", "torn"), ("architecture", "needy"), ("architecture", "net"), ("strategy", "picky"),
        ("executor", "pool"), ("hooks", "mine"),
    ]  # fmt: skip


def test_the_name_of_one_thing_means_that_alone(find):
    (subject,) = find("net", window=0.5, width="7").values()
    assert (subject.kind, subject.absent) == ("architecture", None)
    assert subject.bench.options.width == 7
    assert subject.bench.input_spec.window == 8000
    assert subject.checks


def test_an_executor_is_found_by_its_own_name_and_makes_workers_anew(find):
    (subject,) = find("pool", patience="2").values()
    assert subject.kind == "executor"
    with subject.bench.started(1) as first, subject.bench.started(1) as second:
        assert first is not second


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("far", "no audio; get it from https://example.org"),
        ("needy", "weights"),
        ("picky", "it skips the kit's network (only for mirrors)"),
    ],
)
def test_what_cannot_be_tried_here_says_why(find, name, reason):
    (subject,) = find(name).values()
    assert reason in subject.absent


def test_what_is_broken_is_left_for_the_kit_to_explain(find):
    (subject,) = find("torn").values()
    assert subject.absent is None


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("nett", {}, "no plugin 'nett' registers anything to check; did you mean 'net'?"),
        ("net", {"widht": "3"}, "--set widht: nothing that is checked has such an option; did you mean 'width'?"),
        ("picky", {"width": "3"}, "--set width: nothing that is checked has such an option"),
    ],
)
def test_a_wrong_name_is_one_line_with_the_nearest(find, name, settings, words):
    with pytest.raises(ConfigError) as caught:
        find(name, **settings)
    assert words in str(caught.value)
