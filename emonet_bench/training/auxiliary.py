"""Auxiliary targets: multi-task learning of further targets of the same clips, with heads that training alone needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from emonet_bench.config import Training
from emonet_bench.data.dataset import AuxiliaryTarget, Batch, Clips
from emonet_bench.errors import TrainingError
from emonet_bench.networks import Classifier, PerCorpus, parameter_groups
from emonet_bench.networks.classifier import build_head
from emonet_bench.training.losses import Criterion, Mean, criterion_of
from emonet_bench.types import Plan, TargetSummary, TrainingSet
from emonet_bench.types.targets import USUAL_LOSSES

_PLACE = "auxiliary"  # where the heads stand in a classifier


@contextmanager
def auxiliary_heads(
    plan: Plan, clips: Mapping[str, Clips], recipe: Training, losses: Mapping[str, Callable[[TargetSummary], Mean]]
) -> Iterator[Plan]:
    """Let a plan learn the auxiliary targets of its training clips, too, for as long as it is trained.

    Each target has a new head on the embedding; its loss, times its weight, is added to that of every batch. Of a batch
    only the clips count that say something of the target.

    Args:
        plan: Which. Its classifier has the heads until the end, and then none.
        clips: The training clips of each corpus, on their device.
        recipe: Names the targets.
        losses: Builds the loss of each, by the loss's name.

    Yields:
        The plan, with the heads among its groups and their losses in its penalty; as it is where there are none.
    """
    if not recipe.auxiliary:
        yield plan
        return
    classifier = plan.classifier
    parts = {corpus: _heads(classifier, corpus, own, recipe, losses) for corpus, own in clips.items()}
    heads = PerCorpus(parts).to(next(iter(clips.values())).starts.device)
    classifier.add_module(_PLACE, heads)

    def penalty(batch: Batch, embedding: Tensor, logits: Tensor) -> Tensor:
        total = logits.new_zeros(()) if plan.penalty is None else plan.penalty(batch, embedding, logits)
        if batch.corpus in parts:  # clips of other corpora are unlabelled
            total = total + parts[batch.corpus](batch.index, embedding)
        return total

    try:
        yield replace(plan, groups=[*plan.groups, *parameter_groups(heads.parameters())], penalty=penalty)
    finally:
        delattr(classifier, _PLACE)


def _heads(
    classifier: Classifier,
    corpus: str,
    clips: Clips,
    recipe: Training,
    losses: Mapping[str, Callable[[TargetSummary], Mean]],
) -> _Heads:
    made = []
    for one in clips.auxiliary:
        target, known = one.target, ~one.vectors.isnan().any(1)
        if not known.any():
            raise TrainingError(
                f"training.auxiliary: no training clip of {corpus} has the target {target.name!r}; leave it out"
            )
        told = TrainingSet(corpus, target.names, int(known.sum()), target.kind)
        build = losses[recipe.auxiliary_losses.get(target.name, USUAL_LOSSES[target.kind])]
        criterion = criterion_of(build, recipe, _targets(one)[known], target.names, target.kind)
        made.append(_Head(build_head(classifier.network, told), one, criterion, recipe.auxiliary[target.name]))
    return _Heads(made)


def _targets(one: AuxiliaryTarget) -> Tensor:
    """Return targets as losses take them: (N,) of labels, else (N, K)."""
    return one.vectors.argmax(1) if one.target.kind == "label" else one.vectors


class _Head(nn.Module):
    """The head of one target with its loss."""

    def __init__(self, head: nn.Module, one: AuxiliaryTarget, criterion: Criterion, weight: float) -> None:
        super().__init__()
        self.head, self.criterion, self.weight = head, criterion, weight
        self.targets, self.known = _targets(one), ~one.vectors.isnan().any(1)

    def forward(self, index: Tensor, embedding: Tensor) -> Tensor:
        """Compute the weighed loss of clips (N,) with embeddings (N, D), over those that say something."""
        logits: Tensor = self.head(embedding)  # of all clips: a batch norm cannot learn from one
        rows = self.known[index]
        if not rows.any():
            return logits.sum() * 0
        loss: Tensor = self.criterion(logits[rows].float(), self.targets[index][rows])
        return self.weight * loss


class _Heads(nn.Module):
    """All heads of one corpus."""

    def __init__(self, heads: list[_Head]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)

    def forward(self, index: Tensor, embedding: Tensor) -> Tensor:
        """Sum the losses of clips (N,) with embeddings (N, D)."""
        return torch.stack([head(index, embedding) for head in self.heads]).sum()
