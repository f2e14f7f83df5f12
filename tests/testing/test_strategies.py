"""The kit for strategies: every registered one keeps its contracts, and planted faults are found."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from emonet_bench.config import Options, option
from emonet_bench.errors import Skipped
from emonet_bench.networks import build_classifier, install_per_corpus
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.contracts import PAGE
from emonet_bench.testing.networks import PLAIN
from emonet_bench.testing.strategies import check_strategy
from emonet_bench.testing.strategy_bench import SIGNAL
from emonet_bench.types import Architecture, ParameterGroup, Plan, Strategy, TeacherRun
from tests.testing.faults import broken


class NoOptions(Options):
    pass


class Undocumented(Options):
    width: int = 3


@pytest.mark.parametrize("name", Plugins().strategies)
def test_every_strategy_keeps_its_contracts(name):
    check_strategy(name)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("adapters", {"share_feature_layer": True, "individual_weight_decay": True, "rank": 2}),
        ("multi-task", {"individual_weight_decay": True}),
        ("multi-task", {"adapters": False}),
    ],
)
def test_strategies_keep_their_contracts_with_other_options(name, options):
    check_strategy(name, options)


def whole(network, corpora):
    """A plan that trains everything: it keeps all contracts."""
    made = build_classifier(network, corpora)
    return Plan(made, [ParameterGroup(list(made.parameters()))])


def head_only(network, corpora, source, options):
    if source is not None:
        network.load_state_dict(source.network())
    network.requires_grad_(requires_grad=False)
    made = build_classifier(network, corpora)
    return Plan(made, [ParameterGroup(list(made.heads.parameters()))])


def skips_everything(network, corpora, source, options):
    raise Skipped("no")


def needs_points(network, corpora, source, options):
    network.adapter_points()["beside"]
    return whole(network, corpora)


def has_one_head_for_all(network, corpora, source, options):
    return whole(network, [replace(corpus, labels=("a", "b", "c", "d")) for corpus in corpora])


def divides_by_zero(network, corpora, source, options):
    plan = whole(network, corpora)
    nn.init.constant_(next(network.parameters()), torch.nan)
    return plan


def forgets_a_group(network, corpora, source, options):
    plan = whole(network, corpora)
    return Plan(plan.classifier, [ParameterGroup(plan.groups[0].parameters[1:])])


def groups_twice(network, corpora, source, options):
    plan = whole(network, corpora)
    return Plan(plan.classifier, [*plan.groups, ParameterGroup(plan.groups[0].parameters[:1])])


def groups_a_strangers(network, corpora, source, options):
    plan = whole(network, corpora)
    return Plan(plan.classifier, [*plan.groups, ParameterGroup([nn.Parameter(torch.ones(1))])])


def moves_statistics(network, corpora, source, options):
    plan = head_only(network, corpora, None, options)
    counter = nn.Module()
    counter.register_buffer("seen", torch.zeros(()))
    network.counter = counter
    network.register_forward_pre_hook(lambda *_: None)
    embed = network.embed

    def counting(waveform, lengths):
        counter.seen += 1
        return embed(waveform, lengths)

    network.embed = counting
    return plan


def trains_nothing(network, corpora, source, options):
    plan = whole(network, corpora)
    for parameter in plan.classifier.parameters():
        parameter.register_hook(torch.zeros_like)
    return Plan(plan.classifier, [ParameterGroup(list(plan.classifier.parameters()), weight_decay=0.0)])


def ignores_its_source(network, corpora, source, options):
    return whole(network, corpora)


def needs_its_source(network, corpora, source, options):
    network.load_state_dict(source.network())
    return whole(network, corpora)


def adds_with_a_source(network, corpora, source, options):
    if source is not None:
        network.load_state_dict(source.network())
        network.extra = nn.Linear(1, 1)
    return whole(network, corpora)


def draws_elsewhere(network, corpora, source, options):
    plan = whole(network, corpora)
    with torch.no_grad():
        next(network.parameters()).add_(float(np.random.default_rng().normal()))
    return plan


def learns_in_the_dark(network, corpora, source, options):
    if network.adapter_points():
        install_per_corpus(
            network, [corpus.corpus for corpus in corpora], {"norm": lambda _, present: copy.deepcopy(present)}
        )
    shift = torch.randn(1) if source is not None else torch.zeros(1)
    embed = network.embed
    network.embed = lambda waveform, lengths: embed(waveform, lengths) + shift
    if source is not None and not network.adapter_points():
        network.load_state_dict(source.network())
    return whole(network, corpora)


def counts_its_calls(network, corpora, source, options):
    calls = itertools.count(1)

    def penalty(batch, embedding, logits):
        return embedding.square().mean() / next(calls)

    return replace(whole(network, corpora), penalty=penalty)


def unfreezes_by_its_own_clock(network, corpora, source, options):
    epochs = itertools.count(1)

    def on_epoch(epoch, history):
        network.requires_grad_(next(epochs) > 1)

    return replace(whole(network, corpora), on_epoch=on_epoch)


def follows_an_average_of_its_own(network, corpora, source, options):
    average = [weight.detach().clone() for weight in network.parameters()]

    def penalty(batch, embedding, logits):
        distance = 0.0
        for now, mean in zip(network.parameters(), average, strict=True):
            mean.lerp_(now.detach(), 0.1)
            distance = distance + (now - mean).square().sum()
        return distance

    return replace(whole(network, corpora), penalty=penalty)


def forgets_its_input_in_a_graph(network, corpora, source, options):
    embed = network.embed
    network.embed = lambda waveform, lengths: embed(waveform, lengths) * (1 + waveform.detach().abs().max().item())
    return whole(network, corpora)


FROM_A_SOURCE = {"source_strategies": ("scratch", "multi-task")}
STRATEGY_FAULTS = {
    skips_everything: ({}, "any-architecture", "Skipped AdaptableNetwork: no; give check_strategy an architecture"),
    needs_points: ({}, "any-architecture", "KeyError: 'beside'"),
    has_one_head_for_all: ({}, "heads", "have 4 columns for 3 labels"),
    divides_by_zero: ({}, "heads", "not finite"),
    forgets_a_group: ({}, "groups", "trainable and in no group"),
    groups_twice: ({}, "groups", "is in 2 groups"),
    groups_a_strangers: ({}, "groups", "not the classifier's"),
    moves_statistics: ({}, "frozen", "network.counter.seen is frozen and moved"),
    trains_nothing: ({}, "frozen", "no parameter moved"),
    ignores_its_source: (FROM_A_SOURCE, "source-used", "two sources gave the same network"),
    head_only: ({}, "source-used", "two sources gave two networks"),
    needs_its_source: (FROM_A_SOURCE, "structure", "AttributeError"),
    adds_with_a_source: (FROM_A_SOURCE, "structure", "network.extra.bias differs with and without a source"),
    draws_elsewhere: ({}, "seeds", "differed between two plans of one seed"),
    counts_its_calls: ({}, "resumes", "differed in epoch 3, after a stop in epoch 3"),
    unfreezes_by_its_own_clock: ({}, "resumes", "differed in epoch 3, after a stop in epoch 3"),
    follows_an_average_of_its_own: ({}, "resumes", "differed in epoch 3, after a stop in epoch 3"),
    forgets_its_input_in_a_graph: ({}, "onnx-parity", "not written"),
    learns_in_the_dark: (FROM_A_SOURCE, "round-trip", "differed after the round trip"),
}


def test_a_strategy_that_keeps_all_contracts_passes():
    check_strategy(Strategy("toy", NoOptions, head_only, **FROM_A_SOURCE))


def deaf_to_its_teacher(network, corpora, source, options):
    return whole(network, corpora)


@pytest.mark.parametrize(
    ("teacher", "seen"),
    [
        (lambda _: TeacherRun("svm", "scratch"), "two teachers taught the same network"),
        (lambda _: "svm", "teacher(options) returned str; return a TeacherRun"),
    ],
)
def test_a_strategy_that_does_not_listen_to_its_teacher_is_found(teacher, seen):
    message = broken(check_strategy, Strategy("toy", NoOptions, deaf_to_its_teacher, teacher=teacher))
    assert f"written:  {PAGE}#strategy-teacher-used" in message
    assert seen in message


class SizedOptions(Options):
    size: int = option(0, "Features of a frame's embedding.")


def test_a_strategy_for_some_architectures_only_is_tried_on_the_one_it_is_given():
    class Own(type(PLAIN.build(NoOptions(), SIGNAL))):
        def __init__(self, size):
            super().__init__()
            self.dense, self.dim = nn.Linear(self.dense.in_features, size), size

    def own_only(network, corpora, source, options):
        if not isinstance(network, Own):
            raise Skipped("made for Own")
        return whole(network, corpora)

    architecture = Architecture("own", "toy", SizedOptions, lambda options, input_spec: Own(options.size))
    strategy = Strategy("toy", NoOptions, own_only)
    check_strategy(strategy, architecture=architecture, architecture_options={"size": 5})
    assert "Skipped AdaptableNetwork: made for Own" in broken(check_strategy, strategy)


@pytest.mark.parametrize("fault", STRATEGY_FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_in_a_strategy_is_found_and_explained(fault):
    facts, section, seen = STRATEGY_FAULTS[fault]
    message = broken(check_strategy, Strategy("toy", NoOptions, fault, **facts))
    assert f"written:  {PAGE}#strategy-{section}" in message
    assert seen in message


def test_options_of_a_strategy_that_cannot_be_explained_are_found():
    message = broken(check_strategy, Strategy("toy", Undocumented, head_only))
    assert f"written:  {PAGE}#strategy-options-documented" in message
