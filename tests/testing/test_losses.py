"""The kit for losses: what is built in keeps the contracts, and planted faults are found."""

import pytest
import torch
from torch.nn import functional

from emonet_bench.config import Options, option
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.testing.contracts import PAGE
from emonet_bench.testing.losses import check_loss
from emonet_bench.types import Loss
from tests.testing.faults import broken

BUILT_IN = sorted(Plugins(Selection(names=("builtins",))).losses)


class Bare(Options):
    width: int = option(1, "")


def loss(mean, options=Options):
    return Loss("mine", options, lambda _, summary: mean)


def moves_targets(logits, targets, weight):
    value = functional.cross_entropy(logits, targets, weight)
    targets.zero_()
    return value


FAULTS = {
    "options without words": (loss(functional.cross_entropy, Bare), "options-documented", "has no description"),
    "no mean": (loss(lambda logits, targets, weight: functional.cross_entropy(logits, targets, weight, reduction="none")), "finite", "the shape (12,)"),
    "log of softmax": (loss(lambda logits, targets, weight: functional.nll_loss(logits.softmax(-1).log(), targets, weight)), "finite", "logits of size 50"),
    "upside down": (loss(lambda *given: -functional.cross_entropy(*given)), "learns", "were not those of the true labels"),
    "a sum": (loss(lambda logits, targets, weight: functional.cross_entropy(logits, targets, weight, reduction="sum")), "pieces", "its pieces"),
    "weights by number": (loss(lambda logits, targets, weight: functional.cross_entropy(logits, targets, weight, reduction="none").mean()), "pieces", "label, with weights: a batch has"),
    "targets moved": (loss(moves_targets), "inputs-kept", "what it was given has changed"),
    "dice": (loss(lambda logits, targets, weight: functional.cross_entropy(logits, targets, weight) + 1e-5 * torch.rand(())), "inputs-kept", "for the same logits"),
}  # fmt: skip


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_loss_keeps_its_contracts(name):
    check_loss(name)


def test_options_reach_the_loss():
    check_loss("focal", {"gamma": 0.5})


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_explained(fault):
    made, section, seen = FAULTS[fault]
    message = broken(check_loss, made)
    assert f"written:  {PAGE}#loss-{section}" in message
    assert seen in message
