"""Several tasks in one network: what they share is kept once, the rest is stacked and picked by ``task``."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from emonet_bench.errors import ExportError
from emonet_bench.export.graph import ExportModule
from emonet_bench.networks import Classifier, PerCorpus, parent_and_attribute
from emonet_bench.types import InputSpec

Member = tuple[str, Classifier]
"""A task: the corpus, and the trained classifier that has its branches."""


@dataclass
class _Choice:
    task: Tensor | None = None  # (1,)


class Gathered(nn.Module):
    """One part for each task: every tensor of them is stacked, and a call runs with the chosen task's.

    Args:
        parts: The same module once for each task; the first is used up.
        choice: Says which task.
    """

    def __init__(self, parts: Sequence[nn.Module], choice: _Choice) -> None:
        super().__init__()
        self.choice = choice
        found = [tensors(part) for part in parts]
        self.names = list(found[0])
        for index, name in enumerate(self.names):
            self.register_buffer(f"stack{index}", torch.stack([one[name].detach() for one in found]))
        self.part = parts[0]  # it computes, with tensors that each call sets
        for name in self.names:
            owner, attribute = parent_and_attribute(self.part, name)
            delattr(owner, attribute)

    def forward(self, *inputs: Any) -> Any:
        """Run the chosen task's part."""
        assert self.choice.task is not None
        for index, name in enumerate(self.names):
            owner, attribute = parent_and_attribute(self.part, name)
            stack: Tensor = getattr(self, f"stack{index}")
            setattr(owner, attribute, stack.index_select(0, self.choice.task).squeeze(0))
        return self.part(*inputs)


class MultiTaskModule(ExportModule):
    """Several classifiers on one network, as the file holds them.

    Args:
        members: The tasks; what lies outside their branches must be the same.
        input_spec: What is heard of each clip.

    Raises:
        ExportError: The classifiers do not share a network, or a corpus comes twice.
    """

    def __init__(self, members: Sequence[Member], input_spec: InputSpec) -> None:
        names = [corpus for corpus, _ in members]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ExportError(f"--bank: {twice} comes twice; a task has one run")
        copies = [_frozen(*member) for member in members]
        for (corpus, _), one in zip(members, copies, strict=True):
            _check_shared(corpus, one, members[0][0], copies[0])
        widest = max(_classes(one) for one in copies)
        for one in copies:
            _widen(one.heads.active, widest)
        choice = _Choice()
        with torch.no_grad():
            super().__init__(_gathered(copies, choice), input_spec)
        self.choice = choice
        self.last = len(members) - 1

    def forward(self, waveform: Tensor, lengths: Tensor, task: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """Map waveforms (N, S), valid samples (N,) and a task () to what ``ExportModule`` returns.

        Logits are as wide as the largest task; what a task lacks is minus infinity. Tasks outside of the file count as
        the nearest in it.
        """
        self.choice.task = task.reshape(1).clamp(0, self.last)
        return super().forward(waveform, lengths)


def _frozen(corpus: str, classifier: Classifier) -> Classifier:
    frozen = copy.deepcopy(classifier).cpu().eval()
    frozen.select(corpus)
    return frozen


def tensors(module: nn.Module) -> Mapping[str, Tensor]:
    """Return what is stored of a module: its floating parameters and buffers."""
    return {name: tensor for name, tensor in module.state_dict().items() if tensor.is_floating_point()}


def _shared(classifier: Classifier) -> Mapping[str, Tensor]:
    """Return what lies outside of branches."""
    own = tuple(f"{name}." for name, module in classifier.named_modules() if isinstance(module, PerCorpus))
    return {name: tensor for name, tensor in tensors(classifier).items() if not name.startswith(own)}


def _check_shared(corpus: str, classifier: Classifier, other: str, reference: Classifier) -> None:
    mine, theirs = _shared(classifier), _shared(reference)
    odd = sorted(mine.keys() ^ theirs.keys())
    odd += [name for name in mine if name in theirs and not torch.equal(mine[name], theirs[name])]
    if odd:
        raise ExportError(
            f"--bank: {corpus} and {other} share no network ({odd[0]} differs, {len(odd)} in all); "
            "give runs that keep the network of one source as it is"
        )


def _classes(classifier: Classifier) -> int:
    output = _output(classifier.heads.active)
    return 2 if output.out_features == 1 else output.out_features


def _output(head: nn.Module) -> nn.Linear:
    output = getattr(head, "output", None)
    if not isinstance(output, nn.Linear):
        raise ExportError(f"--bank: a {type(head).__name__} does not end in a linear layer named output")
    return output


def _widen(head: nn.Module, classes: int) -> None:
    """Give a head more classes, of minus infinity each; the single unit z of two labels becomes [0, z]."""
    output = _output(head)
    wide = nn.Linear(output.in_features, classes, dtype=output.weight.dtype)
    first = 1 if output.out_features == 1 else 0
    rows = slice(first, first + output.out_features)
    with torch.no_grad():
        wide.weight.zero_()[rows] = output.weight
        wide.bias.fill_(-torch.inf)[:first] = 0
        wide.bias[rows] = output.bias
    cast("Any", head).output = wide


def _gathered(modules: Sequence[nn.Module], choice: _Choice) -> nn.Module:
    """Turn branches into ``Gathered`` and fold what has none, innermost first; the first of the modules is changed."""
    first = modules[0]
    if isinstance(first, PerCorpus):
        try:
            return Gathered([cast("PerCorpus", module).active for module in modules], choice)
        except (KeyError, RuntimeError) as error:
            raise ExportError("--bank: the runs' branches differ; give runs with the same options") from error
    for name in [name for name, _ in first.named_children()]:
        setattr(first, name, _gathered([module.get_submodule(name) for module in modules], choice))
    fold = getattr(first, "fold", None)
    return first if fold is None or any(isinstance(part, Gathered) for part in first.modules()) else fold()
