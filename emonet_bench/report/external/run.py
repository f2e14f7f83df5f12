"""External predictions as runs: one directory for each fold, so that they become a row of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from emonet_bench import metrics
from emonet_bench.config import Training
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.matrix.scoring import corpus_facts
from emonet_bench.metrics.targets import target_scores
from emonet_bench.report.external.coverage import ScoredClips, target_truth
from emonet_bench.report.external.rows import OBJECTS, ExternalRow
from emonet_bench.runs import telemetry
from emonet_bench.runs.facts import Scores
from emonet_bench.runs.files import RunFiles, file_hash
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import EXTERNAL, SCHEMA_VERSION, ExternalPredictions, Gives, RunSpec, run_id
from emonet_bench.runs.store import RunStore
from emonet_bench.types import TargetKind, Utterance


def keep_external(
    name: str,
    file: Path,
    rows: Mapping[int | None, Sequence[ExternalRow]],
    clips: ScoredClips,
    corpus: OpenCorpus,
    results: Path,
    seed: int = 0,
) -> tuple[Path, ...]:
    """Write external predictions as finished runs that say what they are.

    Args:
        name: What they are called: the architecture of their row.
        file: Where they were read.
        rows: Of each fold, in the order of its clips.
        clips: What was predicted.
        corpus: The corpus under its protocol.
        results: The results directory.
        seed: Tells several sets of predictions of one system apart; the table averages them.

    Returns:
        The runs' directories, one for each fold.

    Raises:
        StoreError: The results directory cannot be written.
    """
    store, digest, kept = RunStore(results), file_hash(file), []
    kind = corpus.target.kind
    for fold, each in rows.items():
        spec = RunSpec(
            corpus=corpus.corpus.name,
            protocol=corpus.protocol,
            architecture=name,
            architecture_options={},
            strategy=EXTERNAL,
            strategy_options={},
            training=Training(),
            seed=seed,
            fold=fold,
            external=ExternalPredictions(sha256=digest, gives=_gives(each[0], kind)),
        )
        identity = run_id(spec, {"fingerprint": corpus.fingerprint, "protocol_id": corpus.protocol_id()})
        with store.writing(spec, identity, again=True) as directory:
            assert directory is not None  # as it is written again
            files = RunFiles(directory)
            tested = {fold: clips[fold]}
            lines, scored = _labelled(each, tested, corpus) if kind == "label" else _targeted(each, tested, corpus)
            files.write_predictions(corpus.target.names, lines, kind=kind)
            files.write_record(_record(spec, identity, corpus, scored, files))
        kept.append(store.path(spec, identity))
    return tuple(kept)


def _gives(row: ExternalRow, kind: TargetKind) -> Gives:
    return "labels" if row.numbers is None else OBJECTS[kind]


def _labelled(
    rows: Sequence[ExternalRow], clips: ScoredClips, corpus: OpenCorpus
) -> tuple[list[list[str]], dict[str, Any]]:
    """Return the lines of ``predictions.csv``, and what a record says of them."""
    ((_, tested),) = clips.items()
    labels, lines = corpus.target.names, []
    for clip, row in zip(tested, rows, strict=True):
        values = [float(label == row.label) for label in labels] if row.numbers is None else row.numbers
        lines.append([*_known(clip), clip.label or "", row.label or "", *(f"{value:.6g}" for value in values)])
    truth, prediction = [line[3] for line in lines], [line[4] for line in lines]
    return lines, {
        "scores": {"test": Scores(**metrics.scores(truth, prediction, labels))},
        "confusion": {"test": metrics.confusion(truth, prediction, labels).tolist()},
    }


def _targeted(
    rows: Sequence[ExternalRow], clips: ScoredClips, corpus: OpenCorpus
) -> tuple[list[list[str]], dict[str, Any]]:
    """Return the same of a target that is no label."""
    ((_, tested),) = clips.items()
    truths, predicted = target_truth(corpus, clips), [row.numbers or () for row in rows]
    truth = [truths[clip.name] for clip in tested]
    lines = [
        [*_known(clip), *map(repr, (*true, *given))] for clip, true, given in zip(tested, truth, predicted, strict=True)
    ]
    return lines, {"scores": {"test": Scores(metrics=target_scores(corpus.target, truth, predicted))}}


def _known(clip: Utterance) -> list[str]:
    return [clip.name, "test", clip.speaker or ""]


def _record(spec: RunSpec, identity: str, corpus: OpenCorpus, scored: Mapping[str, Any], files: RunFiles) -> RunRecord:
    told: dict[str, Any] = corpus_facts({corpus.corpus.name: corpus}, spec.fold, None)
    now = telemetry.utc(datetime.now(UTC))
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        run_id=identity,
        spec=spec,
        environment=telemetry.environment(torch.device("cpu")),
        **told,
        **scored,
        files=files.hashes(),
        started=now,
        finished=now,
    )
