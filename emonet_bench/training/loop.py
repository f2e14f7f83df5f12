"""The training loop: round-robin over corpora, in stages, the best epoch on dev kept, resumable between epochs."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import Tensor, nn

from emonet_bench.config import Training
from emonet_bench.data.dataset import Batch, Clips, shuffled
from emonet_bench.errors import TrainingError
from emonet_bench.networks import Classifier
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.history import Epoch
from emonet_bench.training import resume
from emonet_bench.training.losses import Loss, loss_of
from emonet_bench.training.optimisers import Stage, optimizer, rate_factor, stages
from emonet_bench.training.prediction import training_window, uar
from emonet_bench.training.resume import TrainingProgress
from emonet_bench.types import Plan

IMPROVEMENT = 0.005
"""The gain in dev UAR that resets the patience, as in EmoNet."""

_FEWEST = 2  # clips in a piece of a batch: batch norms cannot learn from one
_SAVE_SECONDS = 10.0  # between two saved states: at most this much work is lost to a kill

_log = logging.getLogger(__name__)


def train(
    plan: Plan,
    train_clips: Mapping[str, Clips],
    dev_clips: Mapping[str, Clips],
    recipe: Training,
    seed: int,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    directory: Path | None = None,
    notes: MutableMapping[str, str] | None = None,
) -> int:
    """Train a plan's classifier in place; it ends with the weights of its best epoch on dev.

    Args:
        plan: What the strategy prepared, on the device to train on.
        train_clips: Training clips of each corpus, on the same device.
        dev_clips: Dev clips of each corpus, likewise.
        recipe: How to train.
        seed: Of everything random; each epoch is seeded anew, so that it can be repeated alone.
        on_epoch: Called after each epoch.
        directory: Where to keep the state between epochs. A state that is there already is continued, with the same
            result as without the interruption.
        notes: Where decisions worth recording are added.

    Returns:
        The best epoch, counted from 1.

    Raises:
        TrainingError: The loss is not finite, or two clips at once do not fit into the GPU's memory.
    """
    session = _Session(plan, train_clips, dev_clips, recipe, seed, on_epoch, directory)
    for number, stage in enumerate(stages(recipe, len(train_clips))):
        session.run(number, stage)
    session.classifier.load_state_dict(session.best)
    if notes is not None and session.progress.micro_batches > 1:
        notes["halved_batch"] = (
            f"out of GPU memory: each batch of {recipe.batch_size} was run in {session.progress.micro_batches} pieces, "
            "gradients accumulated; batch norms saw one piece at a time"
        )
    return session.progress.best_epoch


class _Session:
    def __init__(
        self,
        plan: Plan,
        train_clips: Mapping[str, Clips],
        dev_clips: Mapping[str, Clips],
        recipe: Training,
        seed: int,
        on_epoch: Callable[[Epoch], None],
        directory: Path | None,
    ) -> None:
        self.plan, self.recipe, self.seed, self.on_epoch = plan, recipe, seed, on_epoch
        self.train_clips, self.dev_clips = train_clips, dev_clips
        self.classifier: Classifier = plan.classifier
        self.losses: dict[str, Loss] = {
            corpus: loss_of(recipe, clips.targets, len(clips.labels)) for corpus, clips in train_clips.items()
        }
        self.steps = recipe.steps_per_epoch or max(_batches(len(c), recipe.batch_size) for c in train_clips.values())
        self.file = RunFiles(directory).state if directory else None
        self.saved = time.monotonic()
        self.progress, self.best = TrainingProgress(), dict[str, Tensor]()
        self.state = resume.load(self.file) if self.file else None
        if self.state:
            self.progress, self.best = self.state.progress, self.state.best

    def run(self, number: int, stage: Stage) -> None:
        """Carry out one stage, or what is left of it."""
        if number < self.progress.stage:
            return
        self.optimizer = optimizer(self.plan.groups, self.recipe, stage.rate)
        if number > self.progress.stage:
            self._begin(number)
        elif self.state:
            self.classifier.load_state_dict(self.state.model)
            self.state.hand_to(self.optimizer)
        while self.progress.epoch < stage.last_epoch and self._patient():
            self._epoch(stage)

    def _begin(self, number: int) -> None:
        """Start a stage from the best epoch so far."""
        if self.best:
            self.classifier.load_state_dict(self.best)
        now = self.progress
        now.stage, now.first_epoch, now.patience_baseline, now.epochs_without_improvement = (
            number,
            now.epoch,
            now.best_uar,
            0,
        )

    def _patient(self) -> bool:
        return self.recipe.patience is None or self.progress.epochs_without_improvement < self.recipe.patience

    def _epoch(self, stage: Stage) -> None:
        started = time.perf_counter()
        now = self.progress
        now.epoch += 1
        torch.manual_seed(epoch_seed(self.seed, now.epoch))
        loss = self._train(stage)
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} in epoch {now.epoch}; lower training.learning_rate")
        score = self._dev_uar()
        if score > now.best_uar:
            now.best_uar, now.best_epoch = score, now.epoch
            self.best = {name: tensor.detach().clone() for name, tensor in self.classifier.state_dict().items()}
        if score > now.patience_baseline + IMPROVEMENT:
            now.patience_baseline, now.epochs_without_improvement = score, 0
        else:
            now.epochs_without_improvement += 1
        rate = self.optimizer.param_groups[0]["lr"]
        self.on_epoch(Epoch(now.epoch, loss, score, rate, time.perf_counter() - started))
        self._save()

    def _train(self, stage: Stage) -> float:
        train_mode(self.classifier)
        draws = {corpus: _endless(clips, self.recipe) for corpus, clips in self.train_clips.items()}
        total = torch.zeros((), device=next(self.classifier.parameters()).device)  # summed there: no wait at each step
        step = (self.progress.epoch - 1 - self.progress.first_epoch) * self.steps
        steps = (stage.last_epoch - self.progress.first_epoch) * self.steps
        for number in range(step, step + self.steps):
            rate = stage.rate * rate_factor(self.recipe, number, steps)
            for corpus, batches in draws.items():
                total += self._step(corpus, next(batches), rate)
        return float(total) / (self.steps * len(draws))

    def _step(self, corpus: str, batch: Batch, rate: float) -> Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.classifier.select(corpus)
        while True:
            try:
                loss = self._gradients(corpus, batch)
                break
            except torch.OutOfMemoryError as error:
                self._use_smaller_micro_batches(batch, error)
            torch.cuda.empty_cache()  # outside of the handler: its traceback keeps the tensors alive
        self.optimizer.step()
        return loss

    def _gradients(self, corpus: str, batch: Batch) -> Tensor:
        """Accumulate the gradients of a batch, micro-batch by micro-batch, and return its loss."""
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=batch.waveform.device)
        criterion = self.losses[corpus]
        for micro_batch in split_batch(batch, self.progress.micro_batches):
            with autocast(self.recipe):
                logits = self.classifier(micro_batch.waveform, micro_batch.lengths)
            loss = criterion(logits.float(), micro_batch.targets) * criterion.share(micro_batch.targets, batch.targets)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _use_smaller_micro_batches(self, batch: Batch, error: torch.OutOfMemoryError) -> None:
        if len(batch.targets) // (self.progress.micro_batches * 2) < _FEWEST:
            raise TrainingError(
                f"out of GPU memory with {_FEWEST} clips at once, in epoch {self.progress.epoch}; "
                "shorten training.window or run fewer cells at once with --jobs"
            ) from error
        self.progress.micro_batches *= 2
        _log.warning("out of GPU memory: batches are run in %d pieces from here on", self.progress.micro_batches)

    def _dev_uar(self) -> float:
        scores = []
        for corpus, clips in self.dev_clips.items():
            self.classifier.select(corpus)
            scores.append(uar(self.classifier, clips, self.recipe))
        return sum(scores) / len(scores)

    def _save(self) -> None:
        if self.file and time.monotonic() - self.saved > _SAVE_SECONDS:
            resume.save(self.file, self.progress, self.classifier.state_dict(), self.best, self.optimizer)
            self.saved = time.monotonic()


def autocast(recipe: Training) -> AbstractContextManager[None]:
    """Run the forward pass in bfloat16 where the recipe says so."""
    return torch.autocast(recipe.device, torch.bfloat16, enabled=recipe.precision == "bfloat16")


def split_batch(batch: Batch, count: int) -> Iterator[Batch]:
    """Divide a batch into micro-batches of nearly equal size and two clips at least."""
    count = max(1, min(count, len(batch.targets) // _FEWEST))
    if count == 1:
        yield batch
        return
    for rows in torch.arange(len(batch.targets), device=batch.targets.device).tensor_split(count):
        lengths = None if batch.lengths is None else batch.lengths[rows]
        yield Batch(batch.waveform[rows], lengths, batch.targets[rows], batch.index[rows])


def train_mode(classifier: nn.Module) -> None:
    """Switch to training, but leave frozen batch norms in evaluation: their statistics are frozen, too."""
    classifier.train()
    for module in classifier.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not module.weight.requires_grad:  # noqa: SLF001
            module.eval()


def epoch_seed(seed: int, epoch: int) -> int:
    """Derive an epoch's seed, so that an epoch needs no history of random numbers to be repeated."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{epoch}".encode()).digest()[:8], "big") >> 1


def _batches(clips: int, batch_size: int) -> int:
    """Count the batches of one pass, as ``shuffled`` deals them."""
    return max(1, math.ceil(clips / batch_size) - (clips % batch_size == 1))


def _endless(clips: Clips, recipe: Training) -> Iterator[Batch]:
    window = training_window(recipe)
    lengths = clips.lengths.cpu()  # once, so that no step waits for the GPU to tell its longest clip
    while True:
        for drawn in shuffled(len(clips), recipe.batch_size):
            index = drawn.to(clips.starts.device, non_blocking=True)
            if window is None:
                yield clips.whole(index, int(lengths[drawn].max()))
            else:
                yield clips.crop(index, window, recipe.short_clips)
