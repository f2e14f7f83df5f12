"""Guarded calls: whatever a plugin's function raises, a user reads one line with the plugin, the thing and the place."""

from pathlib import Path

import pytest

from emonet_bench.errors import CorpusError, PluginError
from emonet_bench.plugins.guarded import guarded
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin
from emonet_bench.types import Corpus, Metric, SplitRule

CODE = """
from emonet_bench import hookimpl
from emonet_bench.errors import CorpusError
from emonet_bench.types import Corpus, Metric, SplitRule, Utterance

def corpus(name, load):
    return Corpus(name, ("a", "b"), load, {"own": SplitRule()})

def absent():
    raise CorpusError("corpus absent: fetch it from example.org")

@hookimpl
def emonet_corpora():
    return [
        corpus("lacking", lambda: {}["emotion"]),
        corpus("leaving", lambda: exit(3)),
        corpus("nothing", lambda: None),
        corpus("lazy", lambda: (Utterance(name, None, "a") for name in "xy")),
        corpus("rows", lambda: [{"file": "x.wav"}]),
        corpus("absent", absent),
        corpus("whole", lambda: print("noise") or [Utterance("x", None, "a")]),
    ]

@hookimpl
def emonet_metrics():
    return [Metric("faulty", ("label",), lambda truth, predicted: 1 / 0)]
"""


@pytest.fixture
def plugins(tmp_path):
    (tmp_path / "mine.py").write_text(CODE)
    return Plugins(Selection(files=(tmp_path / "mine.py",)))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lacking", r"corpus lacking: load raised KeyError\('emotion'\) at .*mine\.py:15; mend or uninstall it"),
        ("leaving", r"corpus leaving: load raised SystemExit\(3\) at .*mine\.py:16; mend"),
        ("nothing", r"corpus nothing: load must return a list of Utterance; got NoneType; mend it"),
        ("lazy", r"corpus lazy: load must return a list of Utterance; got generator"),
        ("rows", r"corpus rows: load must return a list of Utterance; one is a dict"),
    ],
)
def test_a_corpus_whose_load_fails_is_named_with_its_plugin_and_the_line(plugins, name, said):
    with pytest.raises(PluginError, match=r"^plugin mine \(.*mine\.py\): " + said):
        plugins.corpora[name].load()


def test_what_a_plugin_says_itself_stands_as_it_is(plugins):
    with pytest.raises(CorpusError, match=r"^corpus absent: fetch it from example\.org$"):
        plugins.corpora["absent"].load()


def test_what_loads_is_handed_on_and_what_it_prints_goes_to_stderr(plugins, capsys):
    assert [one.name for one in plugins.corpora["whole"].load()] == ["x"]
    assert capsys.readouterr() == ("", "noise\n")


def test_a_metric_that_raises_is_named(plugins):
    with pytest.raises(PluginError, match=r"metric faulty: compute raised ZeroDivisionError\('division by zero'\) at "):
        plugins.metrics["faulty"].compute([0], [[1.0, 0.0]])


def test_memory_that_is_wanting_and_what_comes_with_the_host_are_left_alone():
    def starve(*_):
        raise MemoryError

    metric = Metric("large", ("label",), starve)
    with pytest.raises(MemoryError):
        guarded(metric, "metric", Origin("mine", "", "mine")).compute([0], [[1.0]])
    assert guarded(metric, "metric", Origin("builtins", "", "x", shipped=True)) is metric


def test_a_kind_without_such_functions_stays_as_it_is():
    corpus = Corpus("own", ("a", "b"), list, {"own": SplitRule()})
    assert guarded(corpus, "corpus", Origin("mine", "", str(Path("mine.py")))).load() == []
    assert guarded(corpus, "corpus", Origin("mine", "", "mine")) != corpus
