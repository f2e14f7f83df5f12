"""Scoring: what a run's record says of its predictions, its corpora and its network."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from statistics import fmean
from types import MappingProxyType
from typing import Any

from torch import Tensor

from emonet_bench import audit, metrics
from emonet_bench.data.dataset import Clips
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import CorpusError
from emonet_bench.metrics.targets import target_scores
from emonet_bench.runs.facts import (
    CorpusFacts,
    CoverageFacts,
    Parameters,
    PartitionFacts,
    ScoredPartition,
    Scores,
    SelectionFacts,
    stated,
    target_facts,
)
from emonet_bench.runs.spec import RunSpec
from emonet_bench.training.prediction import label_names
from emonet_bench.types import PARTITIONS, Partition, Plan


def evaluated(spec: RunSpec) -> tuple[Partition, ...]:
    """List the partitions that a run is scored on; a trial of a search never sees test."""
    return ("dev",) if spec.trial else ("dev", "test")


def score(clips: Clips, probabilities: Tensor) -> ScoredPartition:
    """Score predictions; of labels, the confusion matrix included."""
    if clips.target is not None and clips.kind != "label":
        return ScoredPartition(scores=Scores(metrics=target_scores(clips.target, clips.truth(), probabilities)))
    truth, prediction = label_names(clips, probabilities.argmax(-1))
    return ScoredPartition(
        scores=Scores(**metrics.scores(truth, prediction, clips.labels)),
        confusion=metrics.confusion(truth, prediction, clips.labels).tolist(),
    )


def selection_facts(clips: Mapping[str, Clips], predicted: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return what the metric says of dev that a recipe names, as a field of a ``RunRecord``; empty where it names none.

    Args:
        clips: The dev clips of each corpus.
        predicted: (N, K) what the network makes of them.

    Returns:
        Also empty where the metric says nothing of them: what it would have chosen fails by itself.
    """
    chosen = next(iter(clips.values())).selection
    if chosen is None:
        return {}
    try:
        scores = [
            chosen.dev_score(dev.truth().numpy(), predicted[name].double().numpy(), dev.labels)
            for name, dev in clips.items()
        ]
    except CorpusError:
        return {}
    facts = SelectionFacts(metric=str(chosen), dev=fmean(scores), higher_is_better=chosen.metric.higher_is_better)
    return {"selection": facts}


def prediction_rows(parts: Mapping[Partition, Clips], probabilities: Mapping[Partition, Tensor]) -> Iterator[list[str]]:
    """Yield the lines of ``predictions.csv``, see ``runs.predictions``.

    Args:
        parts: The clips of each partition.
        probabilities: (N, labels) of those that were scored.
    """
    for part, rows in probabilities.items():
        clips = parts[part]
        if clips.kind != "label":
            yield from _target_rows(part, clips, rows)
            continue
        truth, prediction = label_names(clips, rows.argmax(-1))
        for name, speaker, label, guess, row in zip(
            clips.names, clips.speakers, truth, prediction, rows.tolist(), strict=True
        ):
            yield [name, part, speaker or "", label, guess, *(f"{value:.6g}" for value in row)]


def _target_rows(part: Partition, clips: Clips, predicted: Tensor) -> Iterator[list[str]]:
    truth = clips.truth().tolist()
    for name, speaker, true, row in zip(clips.names, clips.speakers, truth, predicted.tolist(), strict=True):
        yield [name, part, speaker or "", *map(repr, (*true, *row))]


def score_facts(
    clips: Mapping[str, Mapping[Partition, Clips]], predicted: Mapping[str, Mapping[Partition, Tensor]]
) -> dict[str, Any]:
    """Score the predictions (N, K) of each corpus's partitions, as fields of a ``RunRecord``."""
    scored = {
        name: {part: score(clips[name][part], rows) for part, rows in parts.items()}
        for name, parts in predicted.items()
    }
    dev = {name: clips[name]["dev"] for name in predicted}
    return joint_scores(scored) | selection_facts(dev, {name: parts["dev"] for name, parts in predicted.items()})


def joint_scores(scored: Mapping[str, Mapping[Partition, ScoredPartition]]) -> dict[str, Any]:
    """Return each corpus's scores as fields of a ``RunRecord``; several corpora are averaged and listed."""
    if len(scored) == 1:
        (parts,) = scored.values()
        confusion = {part: both.confusion for part, both in parts.items() if both.confusion is not None}
        return {
            "scores": {part: both.scores for part, both in parts.items()},
            **({"confusion": confusion} if confusion else {}),
        }
    evaluations = list(scored.values())
    means = {part: _mean([parts[part].scores for parts in evaluations]) for part in evaluations[0]}
    return {"scores": means, "per_corpus": {name: dict(parts) for name, parts in scored.items()}}


def _mean(each: Sequence[Scores]) -> Scores:
    if each[0].metrics is not None:
        shared = [name for name in each[0].metrics if all(name in (scores.metrics or {}) for scores in each)]
        return Scores(metrics={name: fmean((scores.metrics or {})[name] for scores in each) for name in shared})
    uar, accuracy = (fmean(getattr(scores, name) or 0.0 for scores in each) for name in ("uar", "accuracy"))
    return Scores(uar=uar, accuracy=accuracy)


def corpus_facts(
    opened: Mapping[str, OpenCorpus],
    fold: int | None,
    limit: int | None,
    heard: Collection[Partition] = PARTITIONS,
    shared: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return labels, protocol, content and partitions of the run's corpora as fields of a ``RunRecord``.

    Args:
        opened: The corpora.
        fold: The protocol's fold.
        limit: Most clips of each partition.
        heard: The partitions that the run has to do with.
        shared: How many test clips of each corpus were heard elsewhere, see ``lineage``.
    """

    def facts(corpus: OpenCorpus) -> CorpusFacts:
        divided = corpus.divide(corpus.fold_or_first(fold), limit)
        found = CorpusFacts(
            labels=list(corpus.target.names),
            protocol_id=corpus.protocol_id(limit),
            fingerprint=corpus.fingerprint,
            audit=audit.verdict(audit.quick(corpus)),
            coverage=CoverageFacts(**corpus.coverage.facts()),
            skipped_files=corpus.skipped_files,
            synthetic=corpus.corpus.synthetic,
            licence=corpus.corpus.licence,
            elicitation=corpus.corpus.facts.get("elicitation", ""),
            partitions={
                part: PartitionFacts(**corpus.statistics(index)) for part, index in divided.items() if part in heard
            },
        )
        told, count = target_facts(corpus.target), shared.get(corpus.corpus.name)
        more = ({} if told is None else {"target": told}) | ({"shared_clips": count} if count else {})
        return found.model_copy(update=more)

    if len(opened) == 1:
        (corpus,) = opened.values()
        return stated(facts(corpus))
    return {"corpora": {name: facts(corpus) for name, corpus in opened.items()}}


def parameters(plan: Plan) -> Parameters:
    """Count all parameters of a plan's classifier, and those that are trained."""
    trained = {id(p): p.numel() for group in plan.groups for p in group.parameters}
    total = sum(parameter.numel() for parameter in plan.classifier.parameters())
    return Parameters(total=total, trainable=sum(trained.values()))
