"""The nouns of the house: frozen descriptors that plugins return and every floor shares. No torch at import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emonet_bench.errors import ConfigError
from emonet_bench.types.audio import ArchiveMember as ArchiveMember
from emonet_bench.types.audio import AudioSource as AudioSource
from emonet_bench.types.audio import LazyAudio as LazyAudio
from emonet_bench.types.corpus import PARTITIONS as PARTITIONS
from emonet_bench.types.corpus import Challenge as Challenge
from emonet_bench.types.corpus import Corpus as Corpus
from emonet_bench.types.corpus import Partition as Partition
from emonet_bench.types.corpus import SplitRule as SplitRule
from emonet_bench.types.corpus import Utterance as Utterance
from emonet_bench.types.descriptors import Augmentation as Augmentation
from emonet_bench.types.descriptors import ExecutorKind as ExecutorKind
from emonet_bench.types.descriptors import Loss as Loss
from emonet_bench.types.descriptors import Metric as Metric
from emonet_bench.types.descriptors import Optimizer as Optimizer
from emonet_bench.types.descriptors import ReportFormat as ReportFormat
from emonet_bench.types.descriptors import TargetSummary as TargetSummary
from emonet_bench.types.descriptors import deferred as deferred
from emonet_bench.types.names import check_name as check_name
from emonet_bench.types.network import AdapterPoint as AdapterPoint
from emonet_bench.types.network import FrozenFeatures as FrozenFeatures
from emonet_bench.types.network import Network as Network
from emonet_bench.types.targets import LABEL as LABEL
from emonet_bench.types.targets import Target as Target
from emonet_bench.types.targets import TargetKind as TargetKind
from emonet_bench.types.teacher import Teacher as Teacher
from emonet_bench.types.teacher import TeacherOutputs as TeacherOutputs
from emonet_bench.types.teacher import TeacherRun as TeacherRun

if TYPE_CHECKING:
    import torch

    from emonet_bench.data.dataset import Batch
    from emonet_bench.networks import Classifier
    from emonet_bench.runs.history import Epoch

AUDIO_SUFFIXES = frozenset(
    {".aif", ".aifc", ".aiff", ".au", ".avr", ".caf", ".flac", ".htk", ".ircam", ".mp3", ".mpc2k", ".nist", ".oga"}
    | {".ogg", ".opus", ".paf", ".pvf", ".rf64", ".sd2", ".sds", ".snd", ".sph", ".svx", ".voc", ".w64", ".wav"}
    | {".wave", ".wavex", ".wve", ".xi"}
)
"""Suffixes, in small letters, by which a file is taken for audio: libsndfile reads it without being told more."""


@dataclass(frozen=True)
class InputSpec:
    """What is heard of a clip.

    An architecture is built for one. Its network may have one as an attribute ``input_spec``, which says what it hears
    whatever the recipe says: with a window, ``embed`` cuts the centre out of longer clips, and exports say so.

    Attributes:
        sampling_rate: Samples per second.
        window: Samples of a fixed window, or None where clips keep their own length.
        hop: Samples from one window to the next where a clip is heard as the mean over its windows; None: one window.
    """

    sampling_rate: int = 16_000
    window: int | None = None
    hop: int | None = None


@dataclass(frozen=True)
class Architecture:
    """A kind of network.

    Attributes:
        name: Registered name.
        family: ``cnn``, ``rnn``, ``fusion``, ``baseline`` or another word for its kind.
        options: Its options model, a subclass of ``emonet_bench.config.Options``.
        build: ``build(options, input_spec) -> Network`` (an ``nn.Module``). Randomness comes from torch's global seed.
        fit: None where the network is trained by gradients. Otherwise ``fit(classifier, train, dev, options, seed)``
            sets the weights of the ``emonet_bench.networks.Classifier`` in place; ``train`` and ``dev`` are
            ``emonet_bench.data.dataset.Clips``. It returns None, or decisions worth recording in the result: texts by
            name. Such an architecture runs only with strategies that need no source and one corpus.
        citation: BibTeX.
        load_external: ``load_external(path) -> Checkpoint``: weights of such networks that another program wrote; the
            header needs ``architecture``, ``architecture_options`` and ``corpora``. None: it reads no such file.
        kinds: The kinds of targets that it is for; empty: all where it is trained by gradients, and the label alone
            where it is fitted.
    """

    name: str
    family: str
    options: type[Any]
    build: Callable[[Any, InputSpec], Any]
    fit: Callable[..., Mapping[str, str] | None] | None = None
    citation: str = ""
    load_external: Callable[[Path], Any] | None = None
    kinds: tuple[TargetKind, ...] = ()

    def __post_init__(self) -> None:
        check_name("architecture", self.name)

    def takes(self, kind: TargetKind) -> bool:
        """Tell whether it is for a kind of target."""
        return kind in self.kinds if self.kinds else self.fit is None or kind == "label"


@dataclass(frozen=True)
class TrainingSet:
    """One corpus that a strategy prepares a network for.

    Attributes:
        corpus: Its name.
        labels: Its labels, in their declared order; of values the attributes.
        clips: Number of training clips.
        kind: What kind of target the network is prepared for.
    """

    corpus: str
    labels: tuple[str, ...]
    clips: int
    kind: TargetKind = "label"


@dataclass(frozen=True)
class ParameterGroup:
    """Trainable parameters that share a weight decay and a learning rate.

    Attributes:
        parameters: Which.
        weight_decay: Theirs, or None: the recipe's own.
        rate: Factor on the recipe's learning rate: a backbone's may be lower than a head's, and fall layer by layer.
    """

    parameters: Sequence[torch.nn.Parameter]
    weight_decay: float | None = None
    rate: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.rate < float("inf"):
            raise ConfigError(f"ParameterGroup.rate: {self.rate} is no factor on a learning rate; give one above 0")


@dataclass(frozen=True)
class Plan:
    """What a strategy made of a network: ready to be trained.

    Attributes:
        classifier: ``emonet_bench.networks.Classifier`` with a head (and further branches) for each corpus.
        groups: The trainable parameters. Everything else must have ``requires_grad`` off.
        notes: Decisions worth recording in the result.
        initialisations: Weights that training may start from, where there is a choice: tensors of the classifier, by
            name. The best on dev is taken, see ``emonet_bench.training.initialisation``.
        penalty: ``penalty(batch, embedding, logits)`` is added to the loss of every batch of clips: a scalar, the mean
            over the clips, from the embedding (N, D) and the logits (N, C). ``batch.index`` says which of the training
            clips of ``batch.corpus`` they are. A batch that does not fit into memory comes in pieces. It is all that is
            learnt from unlabelled clips.
        on_epoch: ``on_epoch(epoch, history)`` is called before each epoch with its number, from 1, and what came of
            those before it. It may change the classifier or what ``penalty`` reads. A resumed training calls it before
            its first epoch only, so all that it leaves must follow from its arguments and the classifier's state.
    """

    classifier: Classifier
    groups: Sequence[ParameterGroup]
    notes: Mapping[str, str] = field(default_factory=dict)
    initialisations: Mapping[str, Mapping[str, torch.Tensor]] = field(default_factory=dict)
    penalty: Callable[[Batch, torch.Tensor, torch.Tensor], torch.Tensor] | None = None
    on_epoch: Callable[[int, Sequence[Epoch]], None] | None = None


@dataclass(frozen=True)
class Strategy:
    """A way to get a trained network for a corpus.

    Attributes:
        name: Registered name.
        options: Its options model, a subclass of ``emonet_bench.config.Options``.
        prepare: ``prepare(network, corpora, source, options) -> Plan`` with ``corpora`` a sequence of ``TrainingSet``
            and ``source`` a ``checkpoints.Checkpoint``. It may raise ``Skipped``. Where ``source`` is None a strategy
            that needs one still returns the structure: trained weights are loaded into it afterwards.
        source_strategies: The strategies that train its source, from one corpus and from several. None: it needs none.
        source_options: ``source_options(options)`` says how its source is trained where a matrix says nothing else.
        multi_corpus: Whether it trains on several corpora at once.
        citation: BibTeX.
        teacher: ``teacher(options)`` names the run that teaches. It is trained before, and ``prepare`` is given a
            ``Teacher`` as its source; None: nobody teaches.
    """

    name: str
    options: type[Any]
    prepare: Callable[..., Plan]
    source_strategies: tuple[str, str] | None = None
    source_options: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    multi_corpus: bool = False
    citation: str = ""
    teacher: Callable[[Mapping[str, Any]], TeacherRun] | None = None

    def __post_init__(self) -> None:
        check_name("strategy", self.name)

    @property
    def needs_source(self) -> bool:
        """Whether it starts from a trained source."""
        return self.source_strategies is not None


def names(things: Iterable[Any]) -> str:
    """List names for a message.

    >>> names(["cnn", "rnn"])
    "'cnn', 'rnn'"
    """
    return ", ".join(repr(str(thing)) for thing in things)
