"""Coverage of external predictions: every test clip of a protocol once, and no other clip."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import CorpusError
from emonet_bench.report.external.rows import ExternalRow, prefix
from emonet_bench.types import Partition, Target, Utterance

ScoredClips = Mapping[int | None, Sequence[Utterance]]
"""The clips that each fold tests, in the protocol's order; the key is None where there are no folds."""


def scored_clips(corpus: OpenCorpus, fold: int | None = None, partition: Partition = "test") -> ScoredClips:
    """List the clips that a protocol tests.

    Args:
        corpus: The corpus under its protocol.
        fold: Only those of this fold; None: all.
        partition: The partition, where not those of test are wanted.

    Raises:
        ConfigError: There is no such fold.
    """
    wanted = corpus.folds if fold is None else [fold]
    return {one: [corpus.utterances[i] for i in corpus.divide(one)[partition]] for one in wanted}


def listed(clips: ScoredClips) -> list[Utterance]:
    """List the clips of all folds."""
    return [clip for each in clips.values() for clip in each]


def covered(
    path: Path,
    rows: Sequence[ExternalRow],
    clips: ScoredClips,
    where: str,
    others: Collection[str] = (),
    partition: Partition = "test",
) -> dict[int | None, list[ExternalRow]]:
    """Put predictions into the order of the clips that are tested.

    Args:
        path: Their file, for messages.
        rows: The predictions, each clip's at most once.
        clips: What must be predicted.
        where: The corpus and its protocol in words, for messages.
        others: Names of clips that are known and not tested.
        partition: The partition that they are of.

    Raises:
        CorpusError: A row is of another clip, or a clip has no row.
    """
    wanted = {clip.name for each in clips.values() for clip in each}
    given = {row.utterance: row for row in rows}
    if strange := next((row for row in rows if row.utterance not in wanted), None):
        what = f"is no {partition} clip" if strange.utterance in others else "is no clip"
        known = f"{what} of {where}; --template lists the {partition} clips"
        raise CorpusError(f"{path}: line {strange.line}: {strange.utterance[:200]} {known}")
    if missing := [clip.name for each in clips.values() for clip in each if clip.name not in given]:
        raise CorpusError(
            f"{path}: no prediction of {len(missing)} of {len(wanted)} {partition} clips, first {missing[0]}; "
            "--template lists them all"
        )
    return {fold: [given[clip.name] for clip in each] for fold, each in clips.items()}


def target_truth(corpus: OpenCorpus, clips: ScoredClips) -> dict[str, tuple[float, ...]]:
    """Return what predictions of a target that is no label are held against, exactly as a run is: (K,) of each clip.

    Args:
        corpus: The corpus under its protocol.
        clips: What was predicted.
    """
    place = {clip.name: index for index, clip in enumerate(corpus.utterances)}
    wanted = [place[clip.name] for each in clips.values() for clip in each]
    found = corpus.clips(wanted)
    return {name: tuple(row) for name, row in zip(found.names, found.truth().tolist(), strict=True)}


def template(clips: ScoredClips, target: Target, dev: ScoredClips | None = None) -> str:
    """Write the table to fill in, as CSV: clips and where they lie, empty cells for predictions, no truth.

    Args:
        clips: What must be predicted.
        target: What is predicted of them.
        dev: Clips of dev that must be predicted, too.
    """
    parts: list[tuple[str, ScoredClips]] = [("test", clips), *([("dev", dev)] if dev else [])]
    wanted = [(part, fold, clip) for part, some in parts for fold, each in some.items() for clip in each]
    folds, pieces = None not in clips, any(_piece(clip) for _, _, clip in wanted)
    where = ["utterance", *(["partition"] if dev else []), *(["fold"] if folds else []), "file"]
    where += ["start", "end"] if pieces else []
    asked = [*(["label"] if target.kind == "label" else []), *(prefix(target) + name for name in target.names)]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*where, *asked])
    for partition, fold, clip in wanted:
        known: dict[str, object] = {"utterance": clip.name, "partition": partition, "fold": fold, "file": clip.file}
        known |= {"start": clip.start, "end": clip.end}
        writer.writerow([*(known[name] for name in where), *[""] * len(asked)])
    return stream.getvalue()


def _piece(clip: Utterance) -> bool:
    return clip.start > 0 or clip.end is not None
