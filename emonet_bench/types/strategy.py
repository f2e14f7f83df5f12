"""Strategy: a way to get a trained network, and the plan that it makes for one. No torch at import.

``emonet_bench.types`` has these names, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emonet_bench.errors import ConfigError
from emonet_bench.types.naming import check_name
from emonet_bench.types.targets import TargetKind
from emonet_bench.types.teacher import TeacherRun

if TYPE_CHECKING:
    import torch

    from emonet_bench.data.dataset import Batch
    from emonet_bench.networks import Classifier
    from emonet_bench.runs.history import Epoch


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
