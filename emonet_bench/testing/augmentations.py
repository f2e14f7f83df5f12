"""The contract kit for augmentations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import torch
from torch import Tensor

from emonet_bench.config import Options, parse
from emonet_bench.data.dataset import Batch
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.contracts import BrokenError, hold
from emonet_bench.testing.documentation import hold_documented
from emonet_bench.types import Augmentation

RATE = 8_000
_CLIPS, _SAMPLES, _BANDS, _FRAMES = 6, 4_000, 20, 40
_DRAWS = 10


@dataclass(frozen=True)
class AugmentationBench:
    """An augmentation on the bench, with its options."""

    augmentation: Augmentation
    options: Any

    def drawn(self, given: tuple[Any, ...], seed: int = 0) -> tuple[Any, ...]:
        """Build it and change what is given, as a training of a seed does."""
        change = self.augmentation.build(self.options, RATE)
        torch.manual_seed(seed)
        made = change(*given)
        return made if isinstance(made, tuple) else (made,)

    def given(self, *, padded: bool, shares: bool = False) -> tuple[Any, ...]:
        """Make what it is given: full rows, or rows with padding; a batch of labels, or of votes by their shares."""
        generator = torch.Generator().manual_seed(1)
        if self.augmentation.on == "features":
            features = torch.randn(_CLIPS, _BANDS, _FRAMES, generator=generator)
            mask = (torch.arange(_FRAMES) < torch.arange(10, 10 + 5 * _CLIPS, 5)[:, None, None]).float()
            return (features * mask, mask) if padded else (features, None)
        lengths = torch.arange(_SAMPLES - 500 * (_CLIPS - 1), _SAMPLES + 1, 500) if padded else None
        waveform = torch.randn(_CLIPS, _SAMPLES, generator=generator).clamp(-4, 4) / 8
        if lengths is not None:
            waveform = waveform * (torch.arange(_SAMPLES) < lengths[:, None])
        if self.augmentation.on == "waveform":
            return waveform, lengths
        targets = torch.arange(_CLIPS) % 2
        if shares:
            drawn = torch.rand(_CLIPS, 3, generator=generator)
            targets = drawn / drawn.sum(1, keepdim=True)
        return (Batch(waveform, lengths, targets, torch.arange(_CLIPS)),)


def tensors(things: tuple[Any, ...]) -> list[Tensor]:
    """List the tensors among things, those of batches included."""
    flat = [
        value
        for thing in things
        for value in ([getattr(thing, one.name) for one in fields(thing)] if isinstance(thing, Batch) else [thing])
    ]
    mixed = [value.targets for value in flat if hasattr(value, "share")]
    return [value for value in [*flat, *mixed] if isinstance(value, Tensor)]


def check_augmentation(augmentation: str | Augmentation, options: Mapping[str, Any] | Options | None = None) -> None:
    """Hold an augmentation to its contracts.

    Args:
        augmentation: A registered name, or the descriptor itself.
        options: Its options; None: the defaults.

    Raises:
        AssertionError: It breaks one; the message says which, what was seen and where the contract is written.
    """
    if isinstance(augmentation, str):
        augmentation = Plugins(corpora=False).augmentations[augmentation]
    if not isinstance(options, Options):
        options = parse(augmentation.options, options or {}, augmentation.name)
    with torch.random.fork_rng(devices=[]):
        hold("augmentation", augmentation.name, CHECKS, AugmentationBench(augmentation, options))


def options_documented(bench: AugmentationBench) -> None:
    """Options are an ``emonet_bench.config.Options``: each field says what it does."""
    hold_documented(bench.augmentation.options)


def shapes(bench: AugmentationBench) -> None:
    """What it returns has the shapes and types of what it was given and is finite; lengths lie within their rows.

    A batch has labels (N,), or of other targets (N, K): shares of votes sum to 1 afterwards, too.
    """
    for padded, shares in product((False, True), (False, True) if bench.augmentation.on == "batch" else (False,)):
        given = bench.given(padded=padded, shares=shares)
        for seed in range(_DRAWS):
            made = bench.drawn(given, seed)
            old, new = tensors(given[: len(made)]), tensors(made)  # of spectrograms no mask comes back
            if [(one.shape, one.dtype) for one in new[: len(old)]] != [(one.shape, one.dtype) for one in old]:
                raise BrokenError(f"{_listed(old)} became {_listed(new)}")
            if not all(one.isfinite().all() for one in new):
                raise BrokenError("it returned numbers that are not finite")
            lengths = made[1] if bench.augmentation.on == "waveform" else getattr(made[0], "lengths", None)
            if lengths is not None and (int(lengths.min()) < 1 or int(lengths.max()) > _SAMPLES):
                raise BrokenError(f"lengths from {int(lengths.min())} to {int(lengths.max())} in rows of {_SAMPLES}")
            if not padded and lengths is not None:
                raise BrokenError("full rows came back with lengths")
            if shares and not torch.allclose(made[0].targets.sum(1), torch.ones(_CLIPS)):
                raise BrokenError("shares of votes came back that do not sum to 1")


def seeds(bench: AugmentationBench) -> None:
    """Everything random comes from torch's global generator: the same seed changes clips in the same way."""
    given = bench.given(padded=True)
    for seed in range(_DRAWS):
        if not all(map(torch.equal, tensors(bench.drawn(given, seed)), tensors(bench.drawn(given, seed)))):
            raise BrokenError(f"two draws of seed {seed} differed")


def changes(bench: AugmentationBench) -> None:
    """With the options given it changes clips, and not always in the same way."""
    given = bench.given(padded=False)
    made = [tensors(bench.drawn(given, seed))[0] for seed in range(_DRAWS)]
    if all(torch.equal(one, made[0]) for one in made):
        raise BrokenError(f"{_DRAWS} seeds gave the same")


def inputs_kept(bench: AugmentationBench) -> None:
    """What it was given stays as it is: clips are heard again in the next epoch."""
    given = bench.given(padded=True)
    before = [one.clone() for one in tensors(given)]
    bench.drawn(given)
    if not all(map(torch.equal, tensors(given), before)):
        raise BrokenError("what it was given has changed; make a new tensor")


CHECKS: tuple[Callable[[AugmentationBench], None], ...] = (options_documented, inputs_kept, shapes, seeds, changes)
"""In the order in which they help most; each one's docstring is the contract."""


def _listed(things: list[Tensor]) -> str:
    return ", ".join(f"{tuple(one.shape)} {str(one.dtype).removeprefix('torch.')}" for one in things)
