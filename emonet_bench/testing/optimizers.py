"""The contract kit for optimisers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from emonet_bench.config import Options, Training, parse
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.contracts import BrokenError, hold
from emonet_bench.testing.documentation import hold_documented
from emonet_bench.training import resume
from emonet_bench.training.optimisers import set_rate, torch_groups
from emonet_bench.training.resume import TrainingProgress
from emonet_bench.types import Optimizer, ParameterGroup

_STEPS, _RATE = 60, 0.01


@dataclass(frozen=True)
class OptimizerBench:
    """An optimiser on the bench, with its options."""

    optimizer: Optimizer
    options: Any

    def start(self, rates: tuple[float, float] = (1.0, 1.0)) -> tuple[list[torch.nn.Parameter], torch.optim.Optimizer]:
        """Make two matrices and their optimiser, each in a group with its own factor on the rate."""
        generator = torch.Generator().manual_seed(0)
        weights = [torch.nn.Parameter(torch.randn(4, 3, generator=generator)) for _ in rates]
        groups = [
            ParameterGroup([weight], 0.01 * number, rate)
            for number, (weight, rate) in enumerate(zip(weights, rates, strict=True))
        ]
        return weights, self.optimizer.build(self.options, torch_groups(groups, Training(), _RATE), _RATE)


def distance(weights: list[torch.nn.Parameter]) -> Tensor:
    """Return the mean squared distance from a matrix of ones."""
    return torch.stack([(weight - 1).square().mean() for weight in weights]).mean()


def steps(weights: list[torch.nn.Parameter], optimizer: torch.optim.Optimizer, count: int = _STEPS) -> None:
    """Take steps towards a matrix of ones, as the training loop takes them."""
    for _ in range(count):
        optimizer.zero_grad(set_to_none=True)
        distance(weights).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def check_optimizer(optimizer: str | Optimizer, options: Mapping[str, Any] | Options | None = None) -> None:
    """Hold an optimiser to its contracts.

    Args:
        optimizer: A registered name, or the descriptor itself.
        options: Its options; None: the defaults.

    Raises:
        AssertionError: It breaks one; the message says which, what was seen and where the contract is written.
    """
    if isinstance(optimizer, str):
        optimizer = Plugins(corpora=False).optimizers[optimizer]
    if not isinstance(options, Options):
        options = parse(optimizer.options, options or {}, optimizer.name)
    with torch.random.fork_rng(devices=[]):
        hold("optimizer", optimizer.name, CHECKS, OptimizerBench(optimizer, options))


def options_documented(bench: OptimizerBench) -> None:
    """Options are an ``emonet_bench.config.Options``: each field says what it does."""
    hold_documented(bench.optimizer.options)


def groups_kept(bench: OptimizerBench) -> None:
    """Its ``param_groups`` are those that it was given, with their ``lr``, ``weight_decay`` and whatever else."""
    _, made = bench.start((1.0, 0.5))
    if not isinstance(made, torch.optim.Optimizer):
        raise BrokenError(f"build gave {type(made).__name__}, which is no torch.optim.Optimizer")
    found = [(group["lr"], group["weight_decay"], group.get("rate")) for group in made.param_groups]
    if found != [(_RATE, 0.0, 1.0), (_RATE / 2, 0.01, 0.5)]:
        raise BrokenError(f"of two groups lr, weight_decay and rate were {found}")


def descends(bench: OptimizerBench) -> None:
    """Steps along a gradient make a sum of squares smaller."""
    weights, made = bench.start()
    first = distance(weights).item()
    steps(weights, made)
    if not (last := distance(weights).item()) < first:
        raise BrokenError(f"it was {first:.4g}, and {last:.4g} after {_STEPS} steps at a rate of {_RATE:g}")


def rates_obeyed(bench: OptimizerBench) -> None:
    """A group moves by the ``lr`` that stands in it before each step: at 0 not at all."""
    weights, made = bench.start()
    before = [weight.detach().clone() for weight in weights]
    set_rate(made, 0.0)
    steps(weights, made, 3)
    if not all(torch.equal(weight, old) for weight, old in zip(weights, before, strict=True)):
        raise BrokenError("weights moved at a learning rate of 0")
    made.param_groups[0]["lr"] = _RATE
    steps(weights, made, 3)
    if torch.equal(weights[0], before[0]) or not torch.equal(weights[1], before[1]):
        raise BrokenError("of two groups, one at a learning rate of 0, not just the other one moved")


def resumes(bench: OptimizerBench) -> None:
    """Its state is restored from ``state_dict()["state"]``: tensors and numbers; steps then go on to the last bit."""
    weights, made = bench.start()
    steps(weights, made, 5)
    again, later = bench.start()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "state"
        resume.save(file, TrainingProgress(), {}, {}, made)
        state = resume.load(file)
    if state is None:
        raise BrokenError("its state could not be saved and read again: keep tensors and numbers in it")
    with torch.no_grad():
        for fresh, old in zip(again, weights, strict=True):
            fresh.copy_(old)
    state.hand_to(later)
    for parameters, optimizer in ((weights, made), (again, later)):
        steps(parameters, optimizer, 5)
    if not all(map(torch.equal, weights, again)):
        raise BrokenError("5 steps after a restart ended elsewhere than without it; keep what changes in the state")


CHECKS: tuple[Callable[[OptimizerBench], None], ...] = (
    options_documented,
    groups_kept,
    descends,
    rates_obeyed,
    resumes,
)
"""In the order in which they help most; each one's docstring is the contract."""
