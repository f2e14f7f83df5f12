"""The strategy bench: tried on two networks, with sources that were made as it says, and clips to train on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from emonet_bench.config import Training, parse
from emonet_bench.data.dataset import Clips
from emonet_bench.errors import Skipped
from emonet_bench.networks import build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin
from emonet_bench.testing.networks import ADAPTABLE, PLAIN
from emonet_bench.testing.parts import stir
from emonet_bench.testing.signals import LABELS, clips_of, noise
from emonet_bench.training.checkpoints import Checkpoint
from emonet_bench.training.methods import Methods, methods_of
from emonet_bench.types import Architecture, InputSpec, Plan, Strategy, TargetKind, Teacher, TeacherOutputs, TrainingSet

SIGNAL = InputSpec(sampling_rate=1_000)
RECIPE = Training(
    epochs=2, batch_size=6, learning_rate=0.01, window=0.3, sampling_rate=1_000, device="cpu", precision="float32"
)

_SETS = (TrainingSet("kit-one", LABELS, 18), TrainingSet("kit-two", LABELS[:2], 12))
_TEACHER_DIM = 12  # of the embeddings of a teacher
_ELSEWHERE = (TrainingSet("kit-source", LABELS[1:], 12),)


def _plugins() -> Plugins:
    return Plugins(Selection(names=()))


@dataclass(frozen=True)
class StrategyBench:
    """A strategy on the bench, with its options.

    Attributes:
        strategy: The strategy.
        options: Its options.
        networks: The architectures that it is tried on: one that it must not skip, and one without adapter points.
        network_options: Options of the first of them.
        plugins: Where it and they are registered.
    """

    strategy: Strategy
    options: Any
    networks: tuple[Architecture, Architecture] = (ADAPTABLE, PLAIN)
    network_options: Mapping[str, Any] = field(default_factory=dict)
    plugins: Plugins = field(default_factory=_plugins)

    def __post_init__(self) -> None:
        kit = Origin("kit", "", __name__)
        for architecture in self.networks:
            self.plugins.architectures.add(architecture.name, architecture, kit)
        self.plugins.strategies.add(self.strategy.name, self.strategy, kit)

    @cached_property
    def installed(self) -> Plugins:
        """All that is installed but corpora, loaded once."""
        return Plugins(corpora=False)

    @cached_property
    def methods(self) -> Methods:
        """Loss and optimiser of every training on the bench."""
        return methods_of(RECIPE, self.installed)

    @property
    def corpora(self) -> tuple[TrainingSet, ...]:
        """Two corpora where the strategy takes several, otherwise one."""
        return _SETS if self.strategy.multi_corpus else _SETS[:1]

    def corpora_of(self, kind: TargetKind) -> tuple[TrainingSet, ...]:
        """Return the corpora with a kind of target; other than labels they have two names."""
        if kind == "label":
            return self.corpora
        return tuple(replace(corpus, kind=kind, labels=LABELS[:2]) for corpus in self.corpora)

    def prepare(
        self, architecture: Architecture, *, source: bool = True, seed: int = 1, kind: TargetKind = "label"
    ) -> Plan:
        """Let the strategy prepare a network of one seed with a source of another, or without one."""
        make = self.source if self.strategy.teacher is None else self.teacher
        given = make(architecture, seed) if source else None
        torch.manual_seed(0)
        network = self._build(architecture)
        return self.strategy.prepare(network, self.corpora_of(kind), given, self.options)

    def attempt(
        self, architecture: Architecture, *, source: bool = True, seed: int = 1, kind: TargetKind = "label"
    ) -> tuple[Plan, tuple[TrainingSet, ...]] | None:
        """Prepare a network; None where the strategy skips it."""
        try:
            return self.prepare(architecture, source=source, seed=seed, kind=kind), self.corpora_of(kind)
        except Skipped:
            return None

    def plans(self) -> Iterator[tuple[Plan, tuple[TrainingSet, ...]]]:
        """Yield a plan for each network that is not skipped, and its corpora."""
        for architecture in self.networks:
            if attempt := self.attempt(architecture):
                yield attempt

    def source(self, architecture: Architecture, seed: int) -> Checkpoint:
        """Make a source: a network of a seed with statistics that are not at their start, and a head of its own."""
        torch.manual_seed(100 + seed)
        whole = build_classifier(self._build(architecture), _ELSEWHERE)
        if self.strategy.source_strategies:
            own = self.installed.strategies.get(self.strategy.source_strategies[0], self.strategy)
            whole = own.prepare(whole.network, _ELSEWHERE, None, own.options()).classifier
        stir(whole)
        tensors = {name: tensor.clone() for name, tensor in whole.state_dict().items()}
        return Checkpoint(tensors, self.header(architecture, _ELSEWHERE))

    def teacher(self, _: Architecture, seed: int) -> Teacher:
        """Make a teacher that says something at random of each of the bench's clips."""
        generator = torch.Generator().manual_seed(100 + seed)

        def outputs(corpus: TrainingSet) -> TeacherOutputs:
            count = len(self.clips(corpus))
            embeddings, logits = (
                torch.randn(count, size, generator=generator) for size in (_TEACHER_DIM, len(corpus.labels))
            )
            return TeacherOutputs(embeddings, logits)

        return Teacher("kit teacher", {corpus.corpus: outputs(corpus) for corpus in self.corpora})

    def _build(self, architecture: Architecture) -> Any:
        return architecture.build(parse(architecture.options, self._given(architecture), architecture.name), SIGNAL)

    def _given(self, architecture: Architecture) -> dict[str, Any]:
        return dict(self.network_options) if architecture is self.networks[0] else {}

    @torch.no_grad()
    def logits_of_clips(self, whole: nn.Module) -> Tensor:
        """Return the logits (N, classes) of a few clips."""
        waveform, lengths = noise([700, 310, 1])
        logits: Tensor = whole.eval()(waveform.float(), lengths)
        return logits

    @staticmethod
    def stir(whole: nn.Module) -> None:
        """Move all weights and statistics away from where they start."""
        torch.manual_seed(3)
        stir(whole)

    @staticmethod
    def clips(corpus: TrainingSet) -> Clips:
        """Make clips with the targets of a corpus."""
        return clips_of(corpus.kind, SIGNAL, 0, corpus.labels)

    def header(self, architecture: Architecture, corpora: tuple[TrainingSet, ...]) -> dict[str, Any]:
        """Make a checkpoint's header, as a run does."""
        return {
            "architecture": architecture.name,
            "architecture_options": self._given(architecture),
            "strategy": self.strategy.name,
            "strategy_options": self.options.model_dump(mode="json"),
            "signal": asdict(SIGNAL),
            "corpora": {corpus.corpus: list(corpus.labels) for corpus in corpora},
        }
