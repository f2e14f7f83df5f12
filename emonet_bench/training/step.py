"""A training step: the loss of a batch, its gradients by micro-batches where memory is short, the optimiser's step."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from emonet_bench.config import Training
from emonet_bench.data.dataset import Batch
from emonet_bench.errors import PluginError, TrainingError
from emonet_bench.networks.batch_norm import kept_statistics
from emonet_bench.training.augmentation import NOTHING, Augmentations
from emonet_bench.training.batches import FEWEST, split_batch
from emonet_bench.training.losses import Criterion
from emonet_bench.training.optimisers import set_rate
from emonet_bench.training.prediction import embed_batch
from emonet_bench.training.resume import TrainingProgress
from emonet_bench.types import Plan

_log = logging.getLogger(__name__)


def autocast(recipe: Training) -> AbstractContextManager[None]:
    """Run the forward pass in bfloat16 where the recipe says so."""
    return torch.autocast(recipe.device, torch.bfloat16, enabled=recipe.precision == "bfloat16")


class Stepper:
    """Takes the steps of a training.

    Attributes:
        optimizer: That of the stage.
        progress: Its ``micro_batches`` grows when a batch does not fit into memory.
        corpus: Whose branches are active; None: not known.
    """

    optimizer: torch.optim.Optimizer
    corpus: str | None = None

    def __init__(
        self,
        plan: Plan,
        criteria: Mapping[str, Criterion],
        recipe: Training,
        progress: TrainingProgress,
        augmentations: Augmentations = NOTHING,
    ) -> None:
        self.plan, self.criteria, self.recipe, self.progress = plan, criteria, recipe, progress
        self.augmentations = augmentations

    def step(self, corpus: str | None, batch: Batch, rate: float) -> Tensor:
        """Take one step on a batch at a learning rate, and return the loss before it.

        Args:
            corpus: Whose branches and labels; None: the clips have no labels and only the penalty teaches, under the
                branches that are selected.
            batch: The clips.
            rate: The learning rate.

        Raises:
            TrainingError: Two clips at once do not fit into the GPU's memory.
        """
        set_rate(self.optimizer, rate)
        if corpus is not None and corpus != self.corpus:  # it walks through all modules
            self.plan.classifier.select(corpus)
            self.corpus = corpus
        batch = self.augmentations.changed(batch)
        while True:
            try:
                loss = self.gradients(corpus, batch)
                break
            except torch.OutOfMemoryError as error:
                self._use_smaller_micro_batches(batch, error)
            torch.cuda.empty_cache()  # outside of the handler: its traceback keeps the tensors alive
        self.optimizer.step()
        return loss

    def unlabelled_step(self, batch: Batch, rate: float) -> Tensor:
        """Take one step on clips of a corpus that nothing is trained for.

        The running statistics of batch norms, by which the trained corpora are scored, stay as they are.
        """
        with kept_statistics(self.plan.classifier):
            return self.step(None, batch, rate)

    def gradients(self, corpus: str | None, batch: Batch) -> Tensor:
        """Accumulate the gradients of a batch, micro-batch by micro-batch, and return its loss, penalty included.

        Raises:
            PluginError: That is not one number, or nothing that is trained leads to it.
        """
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=batch.targets.device)
        criterion = None if corpus is None else self.criteria[corpus]
        classifier, penalty = self.plan.classifier, self.plan.penalty
        for micro_batch in split_batch(batch, self.progress.micro_batches):
            with autocast(self.recipe):
                embedding = embed_batch(classifier, micro_batch)
                logits = classifier.heads(embedding)
            loss = total.new_zeros(())
            if criterion is not None:
                loss = _part_of_loss(criterion, logits.float(), micro_batch, batch)
            if penalty is not None:
                share = len(micro_batch.targets) / len(batch.targets)
                loss = loss + penalty(micro_batch, embedding.float(), logits.float()) * share
            if loss.shape or not loss.requires_grad:
                raise PluginError(
                    "what training minimises, loss and penalty, must be one number with a gradient, the mean over "
                    f"clips; got {tuple(loss.shape)} {'with' if loss.requires_grad else 'without'} one"
                )
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _use_smaller_micro_batches(self, batch: Batch, error: torch.OutOfMemoryError) -> None:
        if len(batch.targets) // (self.progress.micro_batches * 2) < FEWEST:
            raise TrainingError(
                f"out of GPU memory with {FEWEST} clips at once, in epoch {self.progress.epoch}; "
                "shorten training.window or run fewer cells at once with --jobs"
            ) from error
        self.progress.micro_batches *= 2
        _log.warning("out of GPU memory: batches are run in %d pieces from here on", self.progress.micro_batches)


def _part_of_loss(criterion: Criterion, logits: Tensor, piece: Batch, batch: Batch) -> Tensor:
    """Compute what a piece of a batch has of the batch's loss; mixed clips have the loss of both their targets."""
    loss = criterion(logits, piece.targets) * criterion.share(piece.targets, batch.targets)
    if piece.mixed is None or batch.mixed is None:
        return loss
    other = criterion(logits, piece.mixed.targets) * criterion.share(piece.mixed.targets, batch.mixed.targets)
    return piece.mixed.share * loss + (1 - piece.mixed.share) * other
