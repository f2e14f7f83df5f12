"""The kits for corpora, strategies and executors: what is registered keeps its contracts, planted faults are found."""

from __future__ import annotations

import copy
import itertools
import random
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from emonet_bench.config import Options, option
from emonet_bench.errors import CorpusError, Skipped
from emonet_bench.networks import build_classifier, install_per_corpus
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing import check_architecture, check_corpus, check_executor, check_strategy, executors
from emonet_bench.testing.contracts import PAGE
from emonet_bench.testing.networks import ADAPTABLE, PLAIN
from emonet_bench.testing.strategy_bench import SIGNAL
from emonet_bench.types import Architecture, Corpus, ParameterGroup, Plan, SplitRule, Strategy, Utterance


def broken(check, *arguments):
    """Return the message of a kit that must find a fault."""
    with pytest.raises(AssertionError, match="breaks a contract") as caught:
        check(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("architecture", [ADAPTABLE, PLAIN], ids=lambda architecture: architecture.name)
def test_the_networks_that_strategies_are_tried_on_keep_the_contracts(architecture):
    check_architecture(architecture)


@pytest.mark.parametrize("name", Plugins().corpora)
def test_every_corpus_at_hand_keeps_its_contracts(name):
    try:
        Plugins().corpora[name].load()
    except CorpusError as error:
        pytest.skip(str(error))
    check_corpus(name)


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


def test_threads_keep_the_contracts_of_an_executor():
    check_executor(ThreadPoolExecutor)


@pytest.mark.slow
def test_the_built_in_executor_keeps_its_contracts():
    check_executor("processes")


@pytest.fixture
def corpus(tmp_path):
    """Two labels, four speakers, two protocols."""
    utterances = []
    for place, (speaker, label) in enumerate(itertools.product("abcd", ("high", "low"))):
        file = tmp_path / f"{speaker}_{label}.wav"
        soundfile.write(file, np.random.default_rng(place).normal(0, 0.1, 1600), 16_000)
        utterances.append(Utterance(file.name, file, label, speaker, partition=("train", "dev", "test")[place % 3]))
    rules = {
        "folds": SplitRule(folds=4),
        "fixed": SplitRule(fixed={"train": ("a", "b"), "dev": ("c",), "test": ("d",)}),
    }
    return Corpus("toy", ("high", "low"), lambda: list(utterances), rules, clips=8)


def changed(corpus, place=0, **values):
    """Return a corpus with one utterance that is different."""
    utterances = corpus.load()
    utterances[place] = replace(utterances[place], **values)
    return replace(corpus, load=lambda: list(utterances))


def shuffling(corpus):
    generator = random.Random(0)
    return replace(corpus, load=lambda: generator.sample(corpus.load(), 8))


def rewriting(corpus):
    numbers = itertools.count()

    def load():
        utterances = corpus.load()
        soundfile.write(utterances[0].file, np.random.default_rng(next(numbers)).normal(0, 0.1, 1600), 16_000)
        return utterances

    return replace(corpus, load=load)


def undecodable(corpus):
    corpus.load()[3].file.write_bytes(b"no audio at all")
    return corpus


CORPUS_FAULTS = {
    "order": (shuffling, "load-repeats", "sort what a directory lists"),
    "number": (lambda corpus: replace(corpus, clips=9), "load-repeats", "8 utterances were found; the corpus says 9"),
    "absent": (lambda corpus: replace(corpus, load=lambda: 1 / 0), "load-repeats", "ZeroDivisionError"),
    "twice": (
        lambda corpus: changed(corpus, name="a_low.wav"),
        "names-unique",
        "2 utterances have the name 'a_low.wav'",
    ),
    "absolute": (lambda corpus: changed(corpus, name="/a.wav"), "names-unique", "not a relative path"),
    "undeclared": (lambda corpus: changed(corpus, label="mid"), "labels-found", "'mid', which is not declared"),
    "unfound": (lambda corpus: replace(corpus, labels=("high", "low", "mid")), "labels-found", "declared label 'mid'"),
    "mixed": (
        lambda corpus: replace(corpus, protocols={"own": SplitRule()}),
        "partitions-apart",
        "protocol 'own': speaker 'a' is in train and in dev",
    ),
    "empty": (
        lambda corpus: replace(corpus, protocols={"two": SplitRule(fixed={"train": tuple("abc"), "dev": ("d",)})}),
        "partitions-apart",
        "partition test has no utterance",
    ),
    "gone": (lambda corpus: changed(corpus, file=corpus.load()[0].file / "gone"), "audio-decodes", "bad audio file"),
    "damaged": (undecodable, "audio-decodes", "not audio that libsndfile can read"),
    "rewritten": (rewriting, "fingerprint-stable", "must not write audio anew"),
    "another": (lambda corpus: replace(corpus, fingerprint="0" * 16), "fingerprint-stable", "the corpus says 00000000"),
}


def test_a_corpus_that_keeps_all_contracts_passes(corpus):
    check_corpus(corpus)


@pytest.mark.parametrize("fault", CORPUS_FAULTS)
def test_a_fault_in_a_corpus_is_found_and_explained(corpus, fault):
    plant, section, seen = CORPUS_FAULTS[fault]
    message = broken(check_corpus, plant(corpus))
    assert f"written:  {PAGE}#corpus-{section}" in message
    assert seen in message


class NoOptions(Options):
    pass


class Undocumented(Options):
    width: int = 3


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
    learns_in_the_dark: (FROM_A_SOURCE, "round-trip", "differed after the round trip"),
}


def test_a_strategy_that_keeps_all_contracts_passes():
    check_strategy(Strategy("toy", NoOptions, head_only, **FROM_A_SOURCE))


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


class Threads(ThreadPoolExecutor):
    """Keeps all contracts; those below break one each."""


class ReturnsNoFuture(Threads):
    def submit(self, *arguments, **options):
        super().submit(*arguments, **options)
        return arguments


class LosesKeywords(Threads):
    def submit(self, function, *arguments, **options):
        return super().submit(function, *arguments)


class ChangesErrors(Threads):
    def submit(self, function, *arguments, **options):
        def run():
            try:
                return function(*arguments, **options)
            except LookupError as error:
                raise ValueError(str(error)) from None

        return super().submit(run)


class RunsElsewhere(Threads):
    def submit(self, function, *arguments, **options):
        moved = (lambda: ("/elsewhere", {})) if function.__name__ == "_surroundings" else function
        return super().submit(moved, *arguments, **options)


class WaitsInShutdown(Threads):
    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait=True, cancel_futures=cancel_futures)


class CancelsNothing(Threads):
    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait=wait)


class NeverCloses(Executor):
    def __init__(self, workers):
        self.threads = ThreadPoolExecutor(workers)
        self.lock = threading.Lock()

    def submit(self, *arguments, **options):
        try:
            return self.threads.submit(*arguments, **options)
        except RuntimeError:
            future = Future()
            future.set_result(None)
            return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.threads.shutdown(wait, cancel_futures=cancel_futures)


class LeavesEarly(Threads):
    def submit(self, function, *arguments, **options):
        if function is abs and arguments == (-3,):
            return super().submit(executors.time.sleep, 0.2)
        return super().submit(function, *arguments, **options)

    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait=False, cancel_futures=cancel_futures)


EXECUTOR_FAULTS = {
    ReturnsNoFuture: ("results-return", "submit gave tuple"),
    LosesKeywords: ("results-return", "int('11', base=2) gave 11"),
    ChangesErrors: ("errors-return", "came back as ValueError"),
    RunsElsewhere: ("surroundings-kept", "the working directory was /elsewhere"),
    WaitsInShutdown: ("waiting-cancelled", "waited for what was running"),
    CancelsNothing: ("waiting-cancelled", "the last ran that still waited"),
    NeverCloses: ("closed-after-shutdown", "raised no RuntimeError"),
    LeavesEarly: ("closed-after-shutdown", "before what was submitted had finished"),
}


@pytest.mark.parametrize("fault", EXECUTOR_FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_in_an_executor_is_found_and_explained(fault, monkeypatch):
    monkeypatch.setattr(executors, "PATIENCE", 1.0)
    section, seen = EXECUTOR_FAULTS[fault]
    message = broken(check_executor, fault)
    assert f"written:  {PAGE}#executor-{section}" in message
    assert seen in message
