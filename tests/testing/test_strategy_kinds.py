"""Kinds of targets in the kit for strategies: what is built in prepares networks for all, and faults are found."""

from dataclasses import replace

import pytest
from emonet_transfer import strategies
from torch import nn

from emonet_bench.config import Options
from emonet_bench.errors import ConfigError
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.contracts import BrokenError, examine
from emonet_bench.testing.strategy_bench import StrategyBench
from emonet_bench.testing.strategy_kinds import kinds
from emonet_bench.types import Strategy, TeacherRun


def bench(prepare, **facts):
    return StrategyBench(Strategy("toy", Options, prepare, **facts), Options())


@pytest.mark.parametrize("name", [name for name, one in Plugins().strategies.items() if one.teacher is None])
def test_a_built_in_strategy_prepares_networks_for_every_kind(name):
    strategy = Plugins().strategies[name]
    (found,) = examine("strategy", [kinds], StrategyBench(strategy, strategy.options()))
    assert found.error is None, found.seen


def labels_only(network, corpora, source, options):
    return strategies.scratch(network, [replace(corpus, kind="label") for corpus in corpora], source, options)


def refuses_values(network, corpora, source, options):
    if corpora[0].kind == "values":
        raise RuntimeError("values?")
    return strategies.scratch(network, corpora, source, options)


@pytest.mark.parametrize(
    ("prepare", "error", "seen"),
    [
        (labels_only, BrokenError, "label-set: the logits of a name never moved"),
        (refuses_values, RuntimeError, "values?"),
    ],
)
def test_a_strategy_that_forgets_the_kind_is_found(prepare, error, seen):
    with pytest.raises(error, match=seen.replace("?", r"\\?")):
        kinds(bench(prepare))


def test_networks_with_heads_for_labels_only_and_strategies_with_a_teacher_pass():
    def own_heads(network, corpora, source, options):
        network.make_head = lambda classes: nn.Linear(network.dim, classes)
        return strategies.scratch(network, corpora, source, options)

    kinds(bench(own_heads))
    with pytest.raises(ConfigError, match="are for labels only"):
        bench(own_heads).prepare(bench(own_heads).networks[0], kind="values")
    kinds(bench(refuses_values, teacher=lambda _: TeacherRun("svm", "scratch")))
