"""Two strategies of the literature, written as anybody would write them, keep every contract without tricks."""

from collections.abc import Sequence
from functools import partial

import torch

from emonet_bench.config import Options, option
from emonet_bench.networks import build_classifier
from emonet_bench.testing import check_strategy
from emonet_bench.testing.networks import PLAIN
from emonet_bench.testing.strategy_bench import RECIPE, StrategyBench
from emonet_bench.training.loop import train
from emonet_bench.types import ParameterGroup, Plan, Strategy


class StartingPoint(Options):
    """Options of L2-SP."""

    alpha: float = option(0.1, "Weight of the squared distance from the source.", ge=0)


def from_source(network, corpora, source):
    if source is not None:
        network.load_state_dict(source.network())
    return build_classifier(network, corpora)


def l2_sp(network, corpora, source, options):
    """Penalise the distance of the network from its source (Li et al., 2018, "Explicit inductive bias", L2-SP)."""
    whole = from_source(network, corpora, source)
    start = [weight.detach().clone() for weight in network.parameters()]

    def penalty(batch, embedding, logits):
        pairs = zip(network.parameters(), start, strict=True)
        return options.alpha / 2 * sum((now - then.to(now.device)).square().sum() for now, then in pairs)

    network_group = ParameterGroup(list(network.parameters()), weight_decay=0.0)
    return Plan(whole, [network_group, ParameterGroup(list(whole.heads.parameters()))], penalty=penalty)


class Unfreezing(Options):
    """Options of gradual unfreezing."""

    every: int = option(1, "Epochs from one layer to the next.", ge=1)


def gradual_unfreezing(network, corpora, source, options):
    """Train the head alone at first, then one more layer every few epochs (Howard & Ruder, 2018, "ULMFiT")."""
    whole = from_source(network, corpora, source)
    layers = [layer for layer in reversed(list(network.children())) if list(layer.parameters())]

    def on_epoch(epoch, history):
        for number, layer in enumerate(layers):
            layer.requires_grad_(epoch > (number + 1) * options.every)

    groups = [ParameterGroup(list(layer.parameters())) for layer in (*layers, whole.heads)]
    return Plan(whole, groups, on_epoch=on_epoch)


SOURCES = ("scratch", "multi-task")
L2_SP = Strategy("l2-sp", StartingPoint, l2_sp, source_strategies=SOURCES)
GRADUAL = Strategy("gradual-unfreezing", Unfreezing, gradual_unfreezing, source_strategies=SOURCES)


def test_a_strategy_that_stays_near_its_source_keeps_its_contracts():
    check_strategy(L2_SP)


def test_a_strategy_that_unfreezes_layer_by_layer_keeps_its_contracts():
    check_strategy(GRADUAL)


def trained(strategy, options, epochs) -> tuple[Sequence[torch.Tensor], Sequence[torch.Tensor]]:
    bench = StrategyBench(strategy, options)
    plan = bench.prepare(PLAIN)
    network = plan.classifier.network
    before = [weight.detach().clone() for weight in network.parameters()]
    clips = {bench.corpora[0].corpus: bench.clips(bench.corpora[0])}
    seen = []
    recipe = RECIPE.model_copy(update={"epochs": epochs})
    train(plan, clips, clips, recipe, 0, lambda _: seen.append([w.detach().clone() for w in network.parameters()]))
    return before, seen[-1]


def test_a_larger_penalty_stays_nearer():
    def distance(alpha):
        pairs = zip(*trained(L2_SP, StartingPoint(alpha=alpha), 3), strict=True)
        return sum((now - then).square().sum() for then, now in pairs).item()

    assert distance(100.0) < distance(0.0) / 2


def test_layers_wait_for_their_epoch():
    waiting, later = (partial(trained, GRADUAL, Unfreezing(every=every)) for every in (5, 1))
    assert all(map(torch.equal, *waiting(2)))
    assert not any(map(torch.equal, *later(2)))
