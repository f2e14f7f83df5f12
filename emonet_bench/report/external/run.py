"""External predictions as runs: one directory for each fold, so that they become a row of the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from emonet_bench import metrics
from emonet_bench.config import Training
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.matrix.scoring import corpus_facts
from emonet_bench.report.external.coverage import ScoredClips
from emonet_bench.report.external.table import ExternalRow
from emonet_bench.runs import telemetry
from emonet_bench.runs.facts import Scores
from emonet_bench.runs.files import RunFiles, file_hash
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import EXTERNAL, SCHEMA_VERSION, ExternalPredictions, RunSpec, run_id
from emonet_bench.runs.store import RunStore


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
    for fold, each in rows.items():
        gives = "labels" if each[0].probabilities is None else "probabilities"
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
            external=ExternalPredictions(sha256=digest, gives=gives),
        )
        identity = run_id(spec, {"fingerprint": corpus.fingerprint, "protocol_id": corpus.protocol_id()})
        with store.writing(spec, identity, again=True) as directory:
            assert directory is not None  # as it is written again
            files = RunFiles(directory)
            lines = list(_lines(each, clips, fold, corpus.corpus.labels))
            files.write_predictions(corpus.corpus.labels, lines)
            files.write_record(_record(spec, identity, corpus, lines, files))
        kept.append(store.path(spec, identity))
    return tuple(kept)


def _lines(
    rows: Sequence[ExternalRow], clips: ScoredClips, fold: int | None, labels: Sequence[str]
) -> Iterator[list[str]]:
    for clip, row in zip(clips[fold], rows, strict=True):
        certain = [float(label == row.label) for label in labels]
        values = certain if row.probabilities is None else row.probabilities
        yield [
            clip.name,
            "test",
            clip.speaker or "",
            clip.label or "",
            row.label,
            *(f"{value:.6g}" for value in values),
        ]


def _record(
    spec: RunSpec, identity: str, corpus: OpenCorpus, lines: Sequence[Sequence[str]], files: RunFiles
) -> RunRecord:
    labels = corpus.corpus.labels
    truth, prediction = [line[3] for line in lines], [line[4] for line in lines]
    told: dict[str, Any] = corpus_facts({corpus.corpus.name: corpus}, spec.fold, None)
    now = telemetry.utc(datetime.now(UTC))
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        run_id=identity,
        spec=spec,
        environment=telemetry.environment(torch.device("cpu")),
        **told,
        scores={"test": Scores(**metrics.scores(truth, prediction, labels))},
        confusion={"test": metrics.confusion(truth, prediction, labels).tolist()},
        files=files.hashes(),
        started=now,
        finished=now,
    )
