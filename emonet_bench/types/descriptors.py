"""Descriptors of losses, metrics, optimisers, augmentations, report formats and executors, as plugins register them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal

from emonet_bench.types.naming import check_name
from emonet_bench.types.targets import TargetKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def deferred(place: str, *arguments: Any) -> Callable[..., Any]:
    """Stand for a function whose module is imported when it is first called, so that a descriptor stays light.

    Args:
        place: ``package.module:function``, as in an entry point.
        arguments: What it is given before whatever it is called with.

    >>> deferred("math:pow", 2.0)(3.0)
    8.0
    """
    return partial(_call, place, *arguments)


def _call(place: str, *arguments: Any) -> Any:
    return resolve_name(place)(*arguments)


@dataclass(frozen=True)
class TargetSummary:
    """What a loss knows of the targets of one corpus before it sees a batch.

    Attributes:
        names: The labels in their declared order, or the names of the values: one for each column of the logits.
        counts: Training clips of each label; for values, all of them each time.
        kind: The kind of target.
        label_smoothing: What ``training.label_smoothing`` says, for a loss that smooths labels.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    kind: TargetKind = "label"
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Loss:
    """What training minimises: ``training.loss = "name"``, its options in the table ``[loss.name]``.

    Attributes:
        name: Registered name.
        options: Its options model, a subclass of ``emonet_bench.config.Options``.
        build: ``build(options, summary) -> mean``, ``summary`` a ``TargetSummary``. ``mean(logits, targets, weight)``
            is the mean loss of logits (N, K) in float32 and targets: (N,) int64 indices of labels, or (N, K) of other
            kinds. ``weight`` is (K,): each clip weighs as its label, so that the losses of the pieces of a batch, each
            times what its clips weigh, add up to that of the batch; or None: clips weigh the same.
        kinds: The kinds of targets that it takes.
        ordered: Whether it uses the declared order of the labels.
        citation: BibTeX.
        check: ``check(options, names)``, where options speak of single labels or attributes: asked when a matrix is
            planned, it raises ``ConfigError`` where they do not fit the K names of a target. None: any target will do.
    """

    name: str
    options: type[Any]
    build: Callable[[Any, TargetSummary], Callable[[Tensor, Tensor, Tensor | None], Tensor]]
    kinds: tuple[TargetKind, ...] = ("label",)
    ordered: bool = False
    citation: str = ""
    check: Callable[[Any, Sequence[str]], None] | None = None

    def __post_init__(self) -> None:
        check_name("loss", self.name)


@dataclass(frozen=True)
class Metric:
    """A number that the predictions of a whole partition get: ``--metric name``, ``training.selection = "name"``.

    Attributes:
        name: Registered name.
        kinds: The kinds of targets that it takes.
        compute: ``compute(truth, predicted)`` over all clips of a partition, at least one; never over a batch. It
            returns one number, or K of them, one for each label or attribute, whose mean is the score and each of which
            can be asked for as ``name:label``; NaN where it says nothing of one. ``predicted`` is (N, K) float64: of
            labels and votes probabilities, of label sets scores in [0, 1], of values numbers on their scales.
            ``truth`` is (N,) int64 indices of the true labels, ``predicted``'s largest number being the prediction; or
            (N, K) float64: shares of votes, ones where a label is true, numbers on their scales. It may raise
            ``CorpusError`` where these clips cannot be scored.
        higher_is_better: Whether more is better; what selects, ranks and marks the best follows it.
        title: Its name in tables; empty: the registered name.
        part_title: What it is called where one label or attribute is asked for; empty: as ``title``.
        counts: Of single labels, the same from counts: ``counts(hits, clips, guesses)``, each (..., K), see
            ``emonet_bench.metrics.counts``. Many resamples are then scored at once.
        weighted: The same of many resamples at once, for other targets than labels: ``weighted(truth, predicted,
            weights)``, where ``weights`` (B, N) says how often each of B resamples draws every clip. It returns (B,) or
            (B, K), NaN where the clips of a resample say nothing. Without it resamples are scored one after the other.
        tuned: What it tunes on dev before it scores, such as thresholds; of other targets than labels.
            ``tuned(dev_truth, dev_predicted, predicted)`` returns the predictions, (N, K) like those it is given, that
            ``compute`` takes; each clip's for itself, whatever else is tested.
        probabilities: Whether it needs probabilities, and not only which label is predicted.
        resampled: Whether intervals and tests by bootstrap mean something; not where resampling itself shifts it.
        citation: BibTeX.
    """

    name: str
    kinds: tuple[TargetKind, ...]
    compute: Callable[[Any, Any], Any]
    higher_is_better: bool = True
    title: str = ""
    part_title: str = ""
    counts: Callable[[Any, Any, Any], Any] | None = None
    weighted: Callable[[Any, Any, Any], Any] | None = None
    tuned: Callable[[Any, Any, Any], Any] | None = None
    probabilities: bool = False
    resampled: bool = True
    citation: str = ""

    def __post_init__(self) -> None:
        check_name("metric", self.name)


@dataclass(frozen=True)
class Optimizer:
    """What takes the steps: ``training.optimizer = "name"``, its options in the table ``[optimizer.name]``.

    Attributes:
        name: Registered name.
        options: Its options model, a subclass of ``emonet_bench.config.Options``.
        build: ``build(options, groups, rate) -> torch.optim.Optimizer``. ``groups`` are torch's parameter groups, each
            with its ``lr`` and ``weight_decay``, to be handed on whole; ``rate`` is the highest learning rate. The
            host sets ``lr`` of every group before each step.
        citation: BibTeX.
    """

    name: str
    options: type[Any]
    build: Callable[[Any, Sequence[dict[str, Any]], float], torch.optim.Optimizer]
    citation: str = ""

    def __post_init__(self) -> None:
        check_name("optimizer", self.name)


@dataclass(frozen=True)
class Augmentation:
    """What is done to training clips at random: ``training.augment = ["name"]``, options in ``[augmentation.name]``.

    Attributes:
        name: Registered name.
        options: Its options model, a subclass of ``emonet_bench.config.Options``.
        build: ``build(options, sampling_rate)`` returns what is called for every batch of clips. With ``on="waveform"``
            that is ``change(waveform, lengths) -> (waveform, lengths)``: (N, S), and (N,) valid samples or None where
            every clip fills its row. With ``on="features"`` it is ``change(features, mask) -> features``: the
            spectrogram (N, bands, T), and (N, 1, T), one in a clip's own frames, or None. With ``on="batch"`` it
            is ``change(batch) -> batch``, each an ``emonet_bench.data.dataset.Batch``: clips may be mixed. Randomness
            comes from torch's global generator.
        on: What it changes.
        citation: BibTeX.
    """

    name: str
    options: type[Any]
    build: Callable[[Any, int], Callable[..., Any]]
    on: Literal["waveform", "features", "batch"] = "waveform"
    citation: str = ""

    def __post_init__(self) -> None:
        check_name("augmentation", self.name)


@dataclass(frozen=True)
class ReportFormat:
    """How results are written down: ``emonet-bench report --format name``.

    Attributes:
        name: Registered name.
        options: Its options model, a subclass of ``emonet_bench.config.Options``.
        render: ``render(table, options) -> str``, with ``table`` an ``emonet_bench.report.Table``.
    """

    name: str
    options: type[Any]
    render: Callable[[Any, Any], str]

    def __post_init__(self) -> None:
        check_name("report format", self.name)


@dataclass(frozen=True)
class ExecutorKind:
    """Where cells run: ``--executor name``, its options in ``[executor.name]`` or by ``--executor-option``.

    Attributes:
        name: Registered name.
        options: Its options model, a subclass of ``emonet_bench.config.Options``. None of them is part of a run's id.
        start: ``start(options, workers, devices) -> concurrent.futures.Executor`` for so many cells at once; with
            ``--jobs auto`` as many as this machine's cores carry. ``devices`` are values of ``CUDA_VISIBLE_DEVICES``,
            one for each GPU of this machine that the matrix may use. The executor may have a method
            ``capacity(threads, device) -> int``: how many cells of so many threads, trained on cpu or cuda, it carries
            at the moment; ``--jobs auto`` asks it, and otherwise counts this machine's cores.
    """

    name: str
    options: type[Any]
    start: Callable[[Any, int, Sequence[str]], Executor]

    def __post_init__(self) -> None:
        check_name("executor", self.name)
