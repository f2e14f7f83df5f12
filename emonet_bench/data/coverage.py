"""Coverage: how much of a corpus was found, and what could not be told of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from emonet_bench.types import Corpus, Utterance


class Listing(list[Utterance]):
    """The utterances that ``Corpus.load`` found, and what it passed over.

    A corpus may return any sequence; one that is read from files by patterns returns this, so that what no pattern
    fits is told and not lost.

    Args:
        utterances: The utterances.
        unmatched_files: Audio files that are no utterance: no pattern fits their names, or nothing tells their labels.
        unmatched_rows: Rows of tables that no pattern fits, or for which there is no file.
    """

    def __init__(
        self, utterances: Iterable[Utterance], unmatched_files: Sequence[str] = (), unmatched_rows: Sequence[str] = ()
    ) -> None:
        super().__init__(utterances)
        self.unmatched_files, self.unmatched_rows = tuple(unmatched_files), tuple(unmatched_rows)


@dataclass(frozen=True)
class Coverage:
    """How much of a corpus was found.

    Attributes:
        found: Utterances found.
        expected: Utterances that there should be, where the corpus's documentation says it.
        unmatched_files: Audio files that are no utterance.
        unmatched_rows: Rows of tables that are no utterance.
        speakers_unknown: Utterances whose speaker is unknown.
    """

    found: int
    expected: int | None = None
    unmatched_files: int = 0
    unmatched_rows: int = 0
    speakers_unknown: int = 0

    @property
    def complete(self) -> bool:
        """Whether all is there: as many as expected; where nothing says how many, no file or row is left over.

        >>> Coverage(12, expected=535).complete, Coverage(12).complete, Coverage(12, unmatched_rows=1).complete
        (False, True, False)
        """
        if self.expected is not None and self.found != self.expected:
            return self.found > self.expected and not self.unmatched_files and not self.unmatched_rows
        return self.expected is not None or not (self.unmatched_files or self.unmatched_rows)

    def facts(self) -> dict[str, Any]:
        """Return it for a record."""
        return asdict(self)

    def __str__(self) -> str:
        """Say it in one line.

        >>> print(Coverage(28, 13708, unmatched_rows=7))
        28 of 13708 clips, 7 rows unmatched
        """
        gaps = {"files unmatched": self.unmatched_files, "rows unmatched": self.unmatched_rows}
        gaps["speakers unknown"] = self.speakers_unknown
        clips = f"{self.found} clips" if self.expected is None else f"{self.found} of {self.expected} clips"
        return ", ".join([clips, *(f"{count} {what}" for what, count in gaps.items() if count)])


def coverage(corpus: Corpus, utterances: Sequence[Utterance]) -> Coverage:
    """Tell how much of a corpus was found.

    Args:
        corpus: What is expected of it.
        utterances: What its ``load`` returned.
    """
    return Coverage(
        found=len(utterances),
        expected=corpus.clips,
        unmatched_files=len(getattr(utterances, "unmatched_files", ())),
        unmatched_rows=len(getattr(utterances, "unmatched_rows", ())),
        speakers_unknown=sum(utterance.speaker is None for utterance in utterances),
    )
