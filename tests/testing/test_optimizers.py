"""The kit for optimisers: what is built in keeps the contracts, and planted faults are found."""

import pytest
import torch

from emonet_bench.config import Options, option
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.testing.contracts import PAGE
from emonet_bench.testing.optimizers import check_optimizer
from emonet_bench.types import Optimizer
from tests.testing.faults import broken

BUILT_IN = sorted(Plugins(Selection(names=("builtins",))).optimizers)


class Bare(Options):
    width: int = option(1, "")


class OwnRate(torch.optim.SGD):
    def __init__(self, groups, rate):
        super().__init__(groups, rate)
        self.rate = rate

    def step(self, closure=None):
        for group in self.param_groups:
            group["lr"] = self.rate
        super().step(closure)


class Climbs(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for weight in group["params"]:
                weight.grad.neg_()
        super().step(closure)


class Remembers(torch.optim.SGD):
    count = 0

    def step(self, closure=None):
        self.count += 1
        for group in self.param_groups:
            for weight in group["params"]:
                weight.grad.div_(self.count)
        super().step(closure)


def optimizer(build, options=Options):
    return Optimizer("mine", options, lambda _, groups, rate: build(groups, rate))


FAULTS = {
    "options without words": (optimizer(torch.optim.SGD, Bare), "options-documented", "has no description"),
    "groups joined": (optimizer(lambda groups, rate: torch.optim.SGD([one for group in groups for one in group["params"]], rate)), "groups-kept", "of two groups lr"),
    "no optimiser": (optimizer(lambda groups, rate: print), "groups-kept", "which is no torch.optim.Optimizer"),
    "upwards": (optimizer(Climbs), "descends", "after 60 steps"),
    "a rate of its own": (optimizer(OwnRate), "rates-obeyed", "at a learning rate of 0"),
    "a memory outside of the state": (optimizer(Remembers), "resumes", "keep what changes in the state"),
}  # fmt: skip


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_optimiser_keeps_its_contracts(name):
    check_optimizer(name)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_explained(fault):
    made, section, seen = FAULTS[fault]
    message = broken(check_optimizer, made)
    assert f"written:  {PAGE}#optimizer-{section}" in message
    assert seen in message
