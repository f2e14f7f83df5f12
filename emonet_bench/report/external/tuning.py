"""Tuning on dev for external predictions: those of dev stand in the same file, and only these tell a threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import ConfigError
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.report.external.coverage import ScoredClips, covered, listed, scored_clips
from emonet_bench.report.external.rows import ExternalRow
from emonet_bench.report.external.score import as_predictions
from emonet_bench.report.external.table import read_external
from emonet_bench.report.predictions import Predictions

Rows = Mapping[int | None, Sequence[ExternalRow]]


@dataclass(frozen=True)
class DevPredictions:
    """External predictions of dev.

    Attributes:
        clips: The clips of dev, by fold.
        rows: The predictions of each fold, in the order of its clips.
    """

    clips: ScoredClips
    rows: Rows


def dev_clips(corpus: OpenCorpus, fold: int | None, metric: MetricChoice) -> ScoredClips:
    """List the clips of dev, of each fold, that a metric tunes on.

    Args:
        corpus: The corpus under its protocol.
        fold: Only those of this fold; None: all.
        metric: Which.

    Raises:
        ConfigError: A clip is dev in several folds, so that its predictions cannot be told apart.
    """
    clips = scored_clips(corpus, fold, "dev")
    names = [clip.name for clip in listed(clips)]
    if len(set(names)) < len(names):
        raise ConfigError(f"--metric {metric}: tunes on dev, where clips stand in several folds; give one --fold")
    return clips


def read_dev(path: Path, corpus: OpenCorpus, fold: int | None, metric: MetricChoice) -> DevPredictions:
    """Read the predictions of dev that a metric tunes on.

    Args:
        path: The file, as ``read_external`` takes it, with a column ``partition``.
        corpus: The corpus under its protocol.
        fold: Only this fold was predicted; None: all of them.
        metric: Which.

    Raises:
        ConfigError: There are none, or a clip is dev in several folds.
        CorpusError: A row is wrong, of another clip, or a clip has none.
    """
    clips = dev_clips(corpus, fold, metric)
    found = read_external(path, corpus.target, "dev", listed(clips))
    if not found:
        raise ConfigError(
            f"--metric {metric}: tunes on dev, and {path} has no rows of dev; --template with this metric lists them"
        )
    others = [clip.name for clip in corpus.utterances]
    where = f"dev of {corpus.corpus.name} under {corpus.protocol}"
    return DevPredictions(clips, covered(path, found, clips, where, others, "dev"))


def tuned_predictions(
    rows: Rows, clips: ScoredClips, dev: DevPredictions, corpus: OpenCorpus, metric: MetricChoice
) -> Predictions:
    """Join the folds' predictions after what a metric tunes on the dev of each.

    Args:
        rows: Of test of each fold, in the order of its clips.
        clips: What was predicted.
        dev: The predictions of dev.
        corpus: The corpus under its protocol.
        metric: Which.
    """
    found = Predictions.empty()
    for fold in clips:
        own, told = (
            as_predictions({fold: given[fold]}, {fold: heard[fold]}, corpus)
            for given, heard in ((rows, clips), (dev.rows, dev.clips))
        )
        found = found.joined(own.tuned(metric, told.targets, told.numbers))
    return found
