"""The submission: predictions of clips whose truth a challenge hides, in the table that it takes."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.report.external.rows import ExternalRow
from emonet_bench.types import Challenge, Corpus, Target, Utterance
from emonet_bench.validation_messages import did_you_mean


def find_challenge(corpus: Corpus, name: str | None) -> Challenge:
    """Return a challenge of a corpus; where no name is given, its only one.

    Raises:
        ConfigError: There is none of that name, or several to choose from.
    """
    if not corpus.challenges:
        raise ConfigError(f"--challenge: {corpus.name} has none; its card declares them in [challenges.NAME]")
    if name is None and len(corpus.challenges) == 1:
        return next(iter(corpus.challenges.values()))
    if name is None:
        raise ConfigError(f"--challenge: name one of {', '.join(corpus.challenges)}")
    if name not in corpus.challenges:
        raise ConfigError(f"--challenge: {corpus.name} has no {name!r}{did_you_mean(name, corpus.challenges)}")
    return corpus.challenges[name]


def submission(challenge: Challenge, target: Target, clips: Sequence[Utterance], rows: Sequence[ExternalRow]) -> str:
    """Write what a challenge takes, as CSV, a row for each clip in the order of their files' names.

    Values are kept on their scales. A label is what the challenge calls it.

    Args:
        challenge: Which.
        target: What is predicted.
        clips: The clips whose truth is hidden.
        rows: What is predicted of each, in their order.

    Raises:
        CorpusError: It takes probabilities, and there are labels only.
    """
    scales = dict(zip(target.names, target.scales, strict=False))

    def cell(holds: str, clip: Utterance, row: ExternalRow) -> str:
        if holds == "file":
            return clip.file.name
        if holds == "label":
            return challenge.codes.get(row.label or "", row.label or "")
        if row.numbers is None:
            raise CorpusError(f"line {row.line}: {challenge.title} takes probabilities; give them, not labels alone")
        number = row.numbers[target.names.index(holds)]
        if holds in scales:
            low, high = scales[holds]
            number = min(max(number, low), high)
        return repr(number)

    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(challenge.columns)
    for clip, row in sorted(zip(clips, rows, strict=True), key=lambda pair: pair[0].file.name):
        writer.writerow([cell(holds, clip, row) for holds in challenge.columns.values()])
    return stream.getvalue()
