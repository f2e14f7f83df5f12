"""The training loop: round-robin over corpora, in stages, the best epoch on dev kept, resumable between epochs."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor, nn

from emonet_bench.config import Training
from emonet_bench.data.dataset import Batch, Clips
from emonet_bench.errors import TrainingError
from emonet_bench.networks import Classifier
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.history import Epoch
from emonet_bench.training import resume
from emonet_bench.training.auxiliary import auxiliary_heads
from emonet_bench.training.batches import batches_per_pass, endless_batches
from emonet_bench.training.early_stopping import note_score, patient
from emonet_bench.training.losses import check_labels, criterion_of
from emonet_bench.training.methods import Methods, methods_of
from emonet_bench.training.optimisers import Stage, layer_wise, rate_factor, stages
from emonet_bench.training.prediction import dev_score
from emonet_bench.training.resume import TrainingProgress
from emonet_bench.training.step import Stepper
from emonet_bench.types import Plan

SAVE_SECONDS = 10.0
"""Between two saved states: at most this much work is lost to a kill."""

_NONE: Mapping[str, Clips] = MappingProxyType({})


def train(
    plan: Plan,
    train_clips: Mapping[str, Clips],
    dev_clips: Mapping[str, Clips],
    recipe: Training,
    seed: int,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    directory: Path | None = None,
    notes: MutableMapping[str, str] | None = None,
    *,
    save_seconds: float | None = None,
    methods: Methods | None = None,
    unlabelled: Mapping[str, Clips] = _NONE,
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
        save_seconds: Between two saved states; None: ``SAVE_SECONDS``.
        methods: What the recipe names; None: it is looked up in what is installed.
        unlabelled: Training clips of corpora that nothing is trained for, likewise; in each step a batch of one of
            them, in turn, follows the batches with labels, and ``plan.penalty`` is all that it teaches.

    Returns:
        The best epoch, counted from 1.

    Raises:
        TrainingError: The loss or a score is not finite, the training clips of a corpus have one label, or two clips at
            once do not fit into the GPU's memory.
    """
    for clips in train_clips.values():
        check_labels(clips.targets)
    methods = methods or methods_of(recipe)
    with auxiliary_heads(plan, train_clips, recipe, methods.auxiliary) as whole:
        session = _Session(whole, train_clips, dev_clips, recipe, methods, seed, on_epoch, directory)
        session.unlabelled = unlabelled
        session.save_seconds = SAVE_SECONDS if save_seconds is None else save_seconds
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
    save_seconds: float
    unlabelled: Mapping[str, Clips]

    def __init__(
        self,
        plan: Plan,
        train_clips: Mapping[str, Clips],
        dev_clips: Mapping[str, Clips],
        recipe: Training,
        methods: Methods,
        seed: int,
        on_epoch: Callable[[Epoch], None],
        directory: Path | None,
    ) -> None:
        self.plan, self.recipe, self.methods, self.seed, self.on_epoch = plan, recipe, methods, seed, on_epoch
        self.train_clips, self.dev_clips = train_clips, dev_clips
        self.selects = next(iter(dev_clips.values())).selects
        self.classifier: Classifier = plan.classifier
        self.steps = recipe.steps_per_epoch or max(
            batches_per_pass(len(clips), recipe.batch_size) for clips in train_clips.values()
        )
        self.file = RunFiles(directory).state if directory else None
        self.saved = time.monotonic()
        self.progress, self.best = TrainingProgress(), dict[str, Tensor]()
        self.constant = constant_names(plan)
        self.state = resume.load(self.file) if self.file else None
        if self.state:
            self.progress, self.best = self.state.progress, self.state.best
        criteria = {
            corpus: criterion_of(methods.loss, recipe, clips.targets, clips.labels, clips.kind)
            for corpus, clips in train_clips.items()
        }
        methods.augmentations.install(plan.classifier)
        self.stepper = Stepper(plan, criteria, recipe, self.progress, methods.augmentations)

    def run(self, number: int, stage: Stage) -> None:
        """Carry out one stage, or what is left of it."""
        if number < self.progress.stage:
            return
        groups = layer_wise(self.plan.groups, self.classifier.network, self.recipe.layer_decay)
        self.stepper.optimizer = self.methods.optimizer(groups, stage.rate)
        if number > self.progress.stage:
            self._begin(number)
        elif self.state:
            self.classifier.load_state_dict(self.state.model)
            self.state.hand_to(self.stepper.optimizer)
        while self.progress.epoch < stage.last_epoch and patient(self.progress, self.recipe):
            self._epoch(stage)

    def _begin(self, number: int) -> None:
        """Start a stage from the best epoch so far."""
        if self.best:
            self.classifier.load_state_dict(self.best)
        now = self.progress
        now.stage, now.first_epoch, now.patience_baseline, now.epochs_without_improvement = (
            number,
            now.epoch,
            now.best_rank,
            0,
        )

    def _epoch(self, stage: Stage) -> None:
        started = time.perf_counter()
        now = self.progress
        now.epoch += 1
        torch.manual_seed(epoch_seed(self.seed, now.epoch))
        if self.plan.on_epoch:
            self.plan.on_epoch(now.epoch, tuple(now.history))
        loss, rate = self._train(stage)
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} in epoch {now.epoch}; lower training.learning_rate")
        score = self._dev_score()
        if note_score(now, self.selects.rank(score)):
            self.best = copied(self.classifier.state_dict(), {} if self.state else self.best, self.constant)
        seconds = time.perf_counter() - started
        now.history.append(Epoch(now.epoch, loss, score, rate, seconds, str(self.selects)))
        self.on_epoch(now.history[-1])
        self._save()

    def _train(self, stage: Stage) -> tuple[float, float]:
        """Train for one epoch; return its mean loss and the learning rate of its last step."""
        train_mode(self.classifier)
        self.stepper.corpus = None  # others have selected since
        draws = {corpus: self._batches(corpus, clips) for corpus, clips in self.train_clips.items()}
        others = [self._batches(corpus, clips) for corpus, clips in self.unlabelled.items()]
        total = torch.zeros((), device=next(self.classifier.parameters()).device)  # summed there: no wait at each step
        step = (self.progress.epoch - 1 - self.progress.first_epoch) * self.steps
        steps = (stage.last_epoch - self.progress.first_epoch) * self.steps
        rate = stage.rate
        for number in range(step, step + self.steps):
            rate = stage.rate * rate_factor(self.recipe, number, steps)
            for corpus, batches in draws.items():
                total += self.stepper.step(corpus, next(batches), rate)
            if others:
                self.stepper.unlabelled_step(next(others[number % len(others)]), rate)
        return float(total) / (self.steps * len(draws)), rate

    def _batches(self, corpus: str, clips: Clips) -> Iterator[Batch]:
        return (replace(batch, corpus=corpus) for batch in endless_batches(clips, self.recipe))

    def _dev_score(self) -> float:
        scores = []
        for corpus, clips in self.dev_clips.items():
            self.classifier.select(corpus)
            scores.append(dev_score(self.classifier, clips, self.recipe))
        return sum(scores) / len(scores)

    def _save(self) -> None:
        if self.file and time.monotonic() - self.saved > self.save_seconds:
            resume.save(self.file, self.progress, self.classifier.state_dict(), self.best, self.stepper.optimizer)
            self.saved = time.monotonic()


def copied(tensors: Mapping[str, Tensor], former: Mapping[str, Tensor], constant: frozenset[str]) -> dict[str, Tensor]:
    """Copy tensors, into the memory of a former copy where there is one: fresh pages cost more than the copying.

    Args:
        tensors: What to copy.
        former: A copy that nobody needs any more.
        constant: Names of those that never change: they are taken as they are.
    """
    return {
        name: tensor
        if name in constant
        else former[name].copy_(tensor)
        if name in former and former[name].shape == tensor.shape
        else tensor.detach().clone()
        for name, tensor in tensors.items()
    }


def constant_names(plan: Plan) -> frozenset[str]:
    """Name the parameters that no epoch changes: frozen ones of no group, where a plan does nothing of its own.

    A pre-trained backbone may be a hundred times as large as what trains on top of it.
    """
    if plan.on_epoch or plan.penalty:
        return frozenset()
    moved = {id(parameter) for group in plan.groups for parameter in group.parameters}
    named = plan.classifier.named_parameters()
    return frozenset(name for name, one in named if not one.requires_grad and id(one) not in moved)


def train_mode(classifier: nn.Module) -> None:
    """Switch to training, but leave frozen batch norms in evaluation: their statistics are frozen, too."""
    classifier.train()
    for module in classifier.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not module.weight.requires_grad:  # noqa: SLF001
            module.eval()


def epoch_seed(seed: int, epoch: int) -> int:
    """Derive an epoch's seed, so that an epoch needs no history of random numbers to be repeated."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{epoch}".encode()).digest()[:8], "big") >> 1
