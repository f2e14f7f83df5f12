"""The contract kit for losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from emonet_bench.config import Options, parse
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.contracts import BrokenError, hold
from emonet_bench.testing.documentation import hold_documented
from emonet_bench.training.losses import Criterion
from emonet_bench.types import Loss, TargetKind, TargetSummary

_CLIPS = 12
_STEPS, _RATE = 200, 0.1


@dataclass(frozen=True)
class LossBench:
    """A loss on the bench, with its options."""

    loss: Loss
    options: Any

    def criteria(self) -> Iterator[tuple[Criterion, Tensor]]:
        """Yield the loss and targets of 12 clips: of each kind of target, 2 and 4 labels, weighed and not."""
        for kind in self.loss.kinds:
            for classes in (2, 4):
                made = targets(kind, classes)
                counts = torch.bincount(made, minlength=classes) if kind == "label" else made.abs().sum(0).ceil()
                names = tuple(f"label-{number}" for number in range(classes))
                summary = TargetSummary(names, tuple(map(int, counts.tolist())), kind, label_smoothing=0.1)
                for weight in (None, torch.linspace(0.5, 2, classes)) if kind in ("label", "votes") else (None,):
                    yield Criterion(self.loss.build(self.options, summary), weight, kind), made


def targets(kind: TargetKind, classes: int) -> Tensor:
    """Make the targets of 12 clips: (N,) of labels, each label among them, and otherwise (N, K)."""
    generator = torch.Generator().manual_seed(classes)
    if kind == "label":
        return torch.arange(_CLIPS) % classes
    drawn = torch.rand(_CLIPS, classes, generator=generator)
    if kind == "votes":
        return drawn / drawn.sum(-1, keepdim=True)
    return (drawn > 0.5).float() if kind == "label-set" else 2 * drawn - 1  # noqa: PLR2004


def logits_for(made: Tensor) -> Tensor:
    """Draw logits (N, K) for targets."""
    classes = made.shape[1] if made.dim() > 1 else int(made.max()) + 1
    return torch.randn(len(made), classes, generator=torch.Generator().manual_seed(0))


def check_loss(loss: str | Loss, options: Mapping[str, Any] | Options | None = None) -> None:
    """Hold a loss to its contracts, for every kind of target that it takes.

    Args:
        loss: A registered name, or the descriptor itself.
        options: Its options; None: the defaults.

    Raises:
        AssertionError: It breaks one; the message says which, what was seen and where the contract is written.
    """
    if isinstance(loss, str):
        loss = Plugins(corpora=False).losses[loss]
    if not isinstance(options, Options):
        options = parse(loss.options, options or {}, loss.name)
    with torch.random.fork_rng(devices=[]):
        hold("loss", loss.name, CHECKS, LossBench(loss, options))


def options_documented(bench: LossBench) -> None:
    """Options are an ``emonet_bench.config.Options``: each field says what it does."""
    hold_documented(bench.loss.options)


def finite(bench: LossBench) -> None:
    """It is one finite number, and so is its gradient, also where the network is very sure of itself and wrong."""
    for criterion, made in bench.criteria():
        for scale in (1.0, 50.0):
            logits = (scale * logits_for(made)).requires_grad_()
            value = criterion(logits, made)
            if value.shape != ():
                raise BrokenError(f"{criterion.kind}: the loss has the shape {tuple(value.shape)}; return the mean")
            (gradient,) = torch.autograd.grad(value, logits)
            if not (value.isfinite() and gradient.isfinite().all()):
                raise BrokenError(f"{criterion.kind}: logits of size {scale:g} gave {value.item()} or such a gradient")


def learns(bench: LossBench) -> None:
    """Logits that follow its gradient have a lower loss, and those of labels then say the truth."""
    for criterion, made in bench.criteria():
        logits = logits_for(made).requires_grad_()
        first = criterion(logits, made).item()
        optimizer = torch.optim.Adam([logits], lr=_RATE)
        for _ in range(_STEPS):
            optimizer.zero_grad()
            criterion(logits, made).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if not (last := criterion(logits, made).item()) < first:
            raise BrokenError(f"{criterion.kind}: it was {first:.4g}, and {last:.4g} after {_STEPS} steps downwards")
        if criterion.kind == "label" and not torch.equal(logits.argmax(-1), made):
            raise BrokenError(f"after {_STEPS} steps downwards the largest logits were not those of the true labels")


def pieces(bench: LossBench) -> None:
    """Pieces of a batch, each by what its clips weigh, add up to the batch; values may be judged as a whole batch."""
    for criterion, made in bench.criteria():
        if criterion.kind == "values":
            continue
        logits = logits_for(made)
        whole = criterion(logits, made)
        parts = [slice(0, 5), slice(5, 7), slice(7, None)]
        total = sum(criterion(logits[rows], made[rows]) * criterion.share(made[rows], made) for rows in parts)
        if not torch.isclose(torch.as_tensor(total), whole, rtol=1e-4, atol=1e-6):
            weighed = "with weights" if criterion.weight is not None else "without weights"
            raise BrokenError(f"{criterion.kind}, {weighed}: a batch has {whole:.6g}, its pieces {total:.6g} together")


def inputs_kept(bench: LossBench) -> None:
    """Logits, targets and weights stay as they are, and the same ones have the same loss."""
    for criterion, made in bench.criteria():
        logits = logits_for(made)
        given = [logits, made, *([] if criterion.weight is None else [criterion.weight])]
        before = [tensor.clone() for tensor in given]
        first, second = criterion(logits, made), criterion(logits, made)
        if not all(map(torch.equal, given, before)):
            raise BrokenError(f"{criterion.kind}: what it was given has changed")
        if not torch.equal(first, second):
            raise BrokenError(f"{criterion.kind}: it was {first.item()} and then {second.item()} for the same logits")


CHECKS: tuple[Callable[[LossBench], None], ...] = (options_documented, inputs_kept, finite, learns, pieces)
"""In the order in which they help most; each one's docstring is the contract."""
