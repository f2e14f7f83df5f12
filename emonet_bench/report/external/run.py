"""External predictions as runs: one directory for each fold, so that they become a row of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from emonet_bench import metrics
from emonet_bench.config import Training
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.matrix.cells.scoring import corpus_facts, joint_scores
from emonet_bench.metrics.targets import target_scores
from emonet_bench.report.external.coverage import ScoredClips, target_truth
from emonet_bench.report.external.rows import OBJECTS, ExternalRow
from emonet_bench.report.external.tuning import DevPredictions
from emonet_bench.runs import telemetry
from emonet_bench.runs.facts import ScoredPartition, Scores
from emonet_bench.runs.files import RunFiles, file_hash
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import EXTERNAL, SCHEMA_VERSION, ExternalPredictions, Gives, RunSpec, run_id
from emonet_bench.runs.store import RunStore
from emonet_bench.types import Partition, TargetKind, Utterance


def keep_external(
    name: str,
    file: Path,
    rows: Mapping[int | None, Sequence[ExternalRow]],
    clips: ScoredClips,
    corpus: OpenCorpus,
    results: Path,
    seed: int = 0,
    dev: DevPredictions | None = None,
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
        dev: Their predictions of dev, where these are known.

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
            parts = [_part("test", each, clips[fold], corpus)]
            parts += [_part("dev", dev.rows[fold], dev.clips[fold], corpus)] if dev else []
            lines = [line for own, _ in parts for line in own]
            scored = {name: told for _, own in parts for name, told in own.items()}
            files.write_predictions(corpus.target.names, lines, kind=kind)
            files.write_record(_record(spec, identity, corpus, scored, files))
        kept.append(store.path(spec, identity))
    return tuple(kept)


def _gives(row: ExternalRow, kind: TargetKind) -> Gives:
    return "labels" if row.numbers is None else OBJECTS[kind]


def _part(
    part: Partition, rows: Sequence[ExternalRow], clips: Sequence[Utterance], corpus: OpenCorpus
) -> tuple[list[list[str]], dict[Partition, ScoredPartition]]:
    """Return the lines of ``predictions.csv`` of one partition, and what a record says of them."""
    known = [[clip.name, part, clip.speaker or ""] for clip in clips]
    if corpus.target.kind != "label":
        truths, predicted = target_truth(corpus, {None: clips}), [row.numbers or () for row in rows]
        truth = [truths[clip.name] for clip in clips]
        told = zip(known, truth, predicted, strict=True)
        lines = [[*start, *map(repr, (*true, *given))] for start, true, given in told]
        scores = Scores(metrics=target_scores(corpus.target, truth, predicted))
        return lines, {part: ScoredPartition(scores=scores)}
    labels, lines = corpus.target.names, []
    for start, clip, row in zip(known, clips, rows, strict=True):
        values = [float(label == row.label) for label in labels] if row.numbers is None else row.numbers
        lines.append([*start, clip.label or "", row.label or "", *(f"{value:.6g}" for value in values)])
    true, guesses = [line[3] for line in lines], [line[4] for line in lines]
    scores = Scores(**metrics.scores(true, guesses, labels))
    return lines, {part: ScoredPartition(scores=scores, confusion=metrics.confusion(true, guesses, labels).tolist())}


def _record(
    spec: RunSpec,
    identity: str,
    corpus: OpenCorpus,
    scored: Mapping[Partition, ScoredPartition],
    files: RunFiles,
) -> RunRecord:
    told: dict[str, Any] = corpus_facts({corpus.corpus.name: corpus}, spec.fold, None)
    now = telemetry.now()
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        run_id=identity,
        spec=spec,
        environment=telemetry.environment(torch.device("cpu")),
        **told,
        **joint_scores({corpus.corpus.name: scored}),
        files=files.hashes(),
        started=now,
        finished=now,
    )
