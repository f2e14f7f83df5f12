"""The contract kit for strategies."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from emonet_bench.config import Options, parse
from emonet_bench.data.dataset import Clips
from emonet_bench.errors import Skipped
from emonet_bench.export.file import export
from emonet_bench.export.gate import check_parity
from emonet_bench.networks import Classifier
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.history import Epoch
from emonet_bench.testing.contracts import BrokenError, hold
from emonet_bench.testing.documentation import hold_documented, hold_flags, neighbours_of
from emonet_bench.testing.networks import PLAIN
from emonet_bench.testing.strategy_bench import RECIPE, SIGNAL, StrategyBench
from emonet_bench.testing.strategy_kinds import kinds
from emonet_bench.training import checkpoints
from emonet_bench.training.loop import train
from emonet_bench.types import Architecture, Plan, Strategy, TeacherRun, TrainingSet


def check_strategy(
    strategy: str | Strategy,
    options: Mapping[str, Any] | Options | None = None,
    architecture: str | Architecture | None = None,
    architecture_options: Mapping[str, Any] | None = None,
) -> None:
    """Hold a strategy to its contracts, on a network with every kind of adapter point and on one with none.

    Args:
        strategy: A registered name, or the descriptor itself.
        options: Its options; None: the defaults.
        architecture: Tried in place of the one with every kind of adapter point, for a strategy that is made for some
            architectures only. It must hear 1 kHz, clips of any length. A registered name, or the descriptor itself.
        architecture_options: Its options; None: the defaults.

    Raises:
        AssertionError: It breaks one; the message says which, what was seen and where the contract is written.
    """
    if isinstance(strategy, str):
        strategy = Plugins().strategies[strategy]
    if not isinstance(options, Options):
        options = parse(strategy.options, options or {}, strategy.name)
    bench = StrategyBench(strategy, options)
    if architecture is not None:
        given = Plugins().architectures[architecture] if isinstance(architecture, str) else architecture
        bench = StrategyBench(strategy, options, (given, PLAIN), architecture_options or {})
    with torch.random.fork_rng(devices=[]):
        hold("strategy", strategy.name, CHECKS, bench)


def options_documented(bench: StrategyBench) -> None:
    """Options are an ``emonet_bench.config.Options``: each field says what it does, no flag is taken."""
    hold_documented(bench.strategy.options)
    hold_flags(bench.strategy.options, neighbours_of("strategy", bench.strategy.name))


def any_architecture(bench: StrategyBench) -> None:
    """It works on the kit's network, or the one given to it; on one without adapter points it may raise ``Skipped``."""
    try:
        bench.prepare(bench.networks[0])
    except Skipped as reason:
        raise BrokenError(
            f"Skipped {bench.networks[0].name}: {reason}; give check_strategy an architecture that it is made for"
        ) from reason
    try:
        bench.prepare(bench.networks[-1])
    except Skipped as reason:
        if not str(reason):
            raise BrokenError("Skipped has no message: it is the reason shown in the table") from reason


def heads(bench: StrategyBench) -> None:
    """Each corpus has a head of its own: logits (N, labels), finite, for each in turn."""
    for plan, corpora in bench.plans():
        for corpus in corpora:
            plan.classifier.select(corpus.corpus)
            logits = bench.logits_of_clips(plan.classifier)
            if logits.shape != (len(logits), len(corpus.labels)):
                raise BrokenError(
                    f"logits of {corpus.corpus} have {logits.shape[1]} columns for {len(corpus.labels)} labels"
                )
            if not logits.isfinite().all():
                raise BrokenError(f"logits of {corpus.corpus} are not finite")


def groups(bench: StrategyBench) -> None:
    """A parameter is trainable (``requires_grad``) exactly where it is in a group, once; there is at least one."""
    for plan, _ in bench.plans():
        named = {id(parameter): name for name, parameter in plan.classifier.named_parameters()}
        grouped = Counter(id(parameter) for group in plan.groups for parameter in group.parameters)
        if not grouped:
            raise BrokenError("no parameter is in a group")
        if grouped.keys() - named.keys():
            raise BrokenError("a group holds a parameter that is not the classifier's")
        for name, parameter in plan.classifier.named_parameters():
            if grouped[id(parameter)] > 1:
                raise BrokenError(f"{name} is in {grouped[id(parameter)]} groups")
            if parameter.requires_grad != bool(grouped[id(parameter)]):
                state = "trainable and in no group" if parameter.requires_grad else "in a group and not trainable"
                raise BrokenError(f"{name} is {state}")


def frozen(bench: StrategyBench) -> None:
    """Training moves what is in a group, and leaves everything else as it was to the last bit, statistics included."""
    for plan, corpora in bench.plans():
        before = _hashes(plan.classifier)
        clips = {corpus.corpus: bench.clips(corpus) for corpus in corpora}
        train(plan, clips, clips, RECIPE, seed=0, methods=bench.methods)
        moved = {name for name, value in _hashes(plan.classifier).items() if value != before[name]}
        if odd := sorted(moved - _movable(plan.classifier)):
            raise BrokenError(f"{odd[0]} is frozen and moved ({len(odd)} such tensors)")
        if not moved & {name for name, _ in plan.classifier.named_parameters()}:
            raise BrokenError(f"no parameter moved in {RECIPE.epochs} epochs")


def seeds(bench: StrategyBench) -> None:
    """Everything random comes from torch's global generator: the same seed gives the same weights."""
    for network in bench.networks:
        plans = [attempt for attempt in (bench.attempt(network), bench.attempt(network)) if attempt]
        states = [_hashes(plan.classifier) for plan, _ in plans]
        if states and states[0] != states[-1]:
            odd = [name for name in states[0] if states[0][name] != states[1][name]]
            raise BrokenError(f"{odd[0]} differed between two plans of one seed ({len(odd)} such tensors)")


def source_used(bench: StrategyBench) -> None:
    """A strategy with ``source_strategies`` starts from its source; one without makes the same of any."""
    used = False
    for network in bench.networks:
        attempts = [bench.attempt(network, seed=seed) for seed in (1, 2)]
        states = [_hashes(attempt[0].classifier) for attempt in attempts if attempt]
        used |= bool(states) and states[0] != states[-1]
    if used != bench.strategy.needs_source:
        seen = "two sources gave two networks" if used else "two sources gave the same network"
        raise BrokenError(f"{seen}; source_strategies is {bench.strategy.source_strategies}")


def teacher_used(bench: StrategyBench) -> None:
    """With ``teacher``, another teacher makes another trained network, and its run is named."""
    if bench.strategy.teacher is None:
        return
    wanted = bench.strategy.teacher(bench.options.model_dump(mode="json"))
    if not isinstance(wanted, TeacherRun):
        raise BrokenError(f"teacher(options) returned {type(wanted).__name__}; return a TeacherRun")
    attempts = [bench.attempt(bench.networks[0], seed=seed) for seed in (1, 2)]
    for plan, corpora in filter(None, attempts):
        clips = {corpus.corpus: bench.clips(corpus) for corpus in corpora}
        train(plan, clips, clips, RECIPE, seed=0, methods=bench.methods)
    states = [_hashes(attempt[0].classifier) for attempt in attempts if attempt]
    if states[0] == states[-1]:
        raise BrokenError("two teachers taught the same network")


def resumes(bench: StrategyBench) -> None:
    """Training that stops after an epoch and goes on in another process has the same result to the last bit."""
    for network in bench.networks:
        attempts = [attempt for _ in range(3) if (attempt := bench.attempt(network))]
        if not attempts:
            continue
        (whole, corpora), (stopped, _), (continued, _) = attempts
        clips = {corpus.corpus: bench.clips(corpus) for corpus in corpora}
        with TemporaryDirectory() as folder:
            unbroken = _followed(bench, whole, clips)
            _followed(bench, stopped, clips, Path(folder), last=_KILLED)
            again = _followed(bench, continued, clips, Path(folder))
        assert again.keys() == {_KILLED, _LONGER.epochs}
        for epoch, state in again.items():  # of every epoch: the weights that are kept may be those of an early one
            if odd := [name for name in state if state[name] != unbroken[epoch].get(name)]:
                raise BrokenError(
                    f"{odd[0]} differed in epoch {epoch}, after a stop in epoch {_KILLED} ({len(odd)} such tensors); "
                    "what penalty and on_epoch read must follow from the epoch, its history and the classifier's state"
                )


def structure(bench: StrategyBench) -> None:
    """Without a source ``prepare`` returns the same structure, so that trained weights can be loaded into it."""
    for network in bench.networks:
        attempts = [bench.attempt(network, source=source) for source in (True, False)]
        shapes = [_shapes(attempt[0].classifier) for attempt in attempts if attempt]
        if len(shapes) == 1:
            raise BrokenError("Skipped with a source or without one, and not in the other case")
        if shapes and shapes[0] != shapes[1]:
            odd = sorted(name for name in {*shapes[0], *shapes[1]} if shapes[0].get(name) != shapes[1].get(name))
            raise BrokenError(f"{odd[0]} differs with and without a source ({len(odd)} such tensors)")


def round_trip(bench: StrategyBench) -> None:
    """A classifier that is built again from its checkpoint has the same outputs to the last bit."""
    for network in bench.networks:
        if attempt := bench.attempt(network):
            plan, corpora = attempt
            bench.stir(plan.classifier)
            again = _reloaded(bench, network, plan.classifier, corpora)
            for corpus in corpora:
                outputs = []
                for classifier in (plan.classifier, again):
                    classifier.select(corpus.corpus)
                    outputs.append(bench.logits_of_clips(classifier))
                if not torch.equal(*outputs):
                    raise BrokenError(f"outputs of {corpus.corpus} differed after the round trip")


def onnx_parity(bench: StrategyBench) -> None:
    """Straight after training, and built again from its checkpoint, the exported file has the trained logits."""
    for network in bench.networks:
        if attempt := bench.attempt(network):
            plan, corpora = attempt
            clips = {corpus.corpus: bench.clips(corpus) for corpus in corpora}
            train(plan, clips, clips, RECIPE, seed=0, methods=bench.methods)
            last, again = corpora[-1].corpus, _reloaded(bench, network, plan.classifier, corpora)
            with TemporaryDirectory() as folder:
                path = Path(folder) / "model.onnx"
                export(plan.classifier, last, path, SIGNAL, {})
                export(again, last, path, SIGNAL, {})
                check_parity(path.read_bytes(), plan.classifier, last, SIGNAL)


CHECKS = (
    options_documented,
    any_architecture,
    heads,
    groups,
    frozen,
    seeds,
    source_used,
    teacher_used,
    structure,
    resumes,
    round_trip,
    onnx_parity,
    kinds,
)
"""In the order in which they help most; each one's docstring is the contract."""


_LONGER = RECIPE.model_copy(update={"epochs": 4})
_KILLED = 3  # the epoch after which a training is killed; that is not saved any more


class _StopError(Exception):
    """Stands for a kill."""


def _followed(
    bench: StrategyBench, plan: Plan, clips: Mapping[str, Clips], directory: Path | None = None, last: int | None = None
) -> dict[int, dict[str, str]]:
    """Train, and return what the weights are after each epoch; a kill after the last one comes before it is saved."""
    states: dict[int, dict[str, str]] = {}

    def note(epoch: Epoch) -> None:
        states[epoch.epoch] = _hashes(plan.classifier)
        if epoch.epoch == last:
            raise _StopError

    with suppress(_StopError):
        train(plan, clips, clips, _LONGER, 0, note, directory, save_seconds=-1, methods=bench.methods)
    return states


def _reloaded(
    bench: StrategyBench, network: Architecture, classifier: Classifier, corpora: tuple[TrainingSet, ...]
) -> Classifier:
    """Build a classifier again from its checkpoint."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        checkpoints.save(classifier, path, bench.header(network, corpora))
        return checkpoints.rebuild(checkpoints.load(path), bench.plugins)


def _hashes(module: nn.Module) -> dict[str, str]:
    return {
        name: hashlib.sha256(tensor.detach().cpu().contiguous().numpy().tobytes()).hexdigest()
        for name, tensor in module.state_dict().items()
    }


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _movable(classifier: nn.Module) -> set[str]:
    """Name what training may move: trainable parameters, and buffers of modules that have one."""
    names = {name for name, parameter in classifier.named_parameters() if parameter.requires_grad}
    for path, module in classifier.named_modules():
        if any(parameter.requires_grad for parameter in module.parameters(recurse=False)):
            names |= {f"{path}.{name}" for name, _ in module.named_buffers(recurse=False)}
    return names
