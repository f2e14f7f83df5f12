"""What an audit finds, and the verdict on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from emonet_bench.errors import CorpusError

Level = Literal["note", "warning", "leak"]
Verdict = Literal["clean", "warnings", "leaking"]


@dataclass(frozen=True)
class Finding:
    """One thing that an audit found.

    Attributes:
        check: Which check: ``speakers``, ``identical``, ``bandwidth`` and so on.
        level: ``leak``: test is heard in train or dev. ``warning``: worth mending. ``note``: worth knowing.
        message: What was found, in one line.
        clips: Names of the clips it is about, the first few.
    """

    check: str
    level: Level
    message: str
    clips: tuple[str, ...] = ()


def verdict(findings: Iterable[Finding]) -> Verdict:
    """Sum findings up.

    >>> verdict([Finding("texts", "note", "..."), Finding("clipping", "warning", "...")])
    'warnings'
    """
    levels = {finding.level for finding in findings}
    return "leaking" if "leak" in levels else "warnings" if "warning" in levels else "clean"


def refuse_leaks(corpus: str, protocol: str, findings: Iterable[Finding]) -> None:
    """Stop where a protocol leaks.

    Raises:
        CorpusError: One line that says what leaks.
    """
    leaks = [finding.message for finding in findings if finding.level == "leak"]
    if leaks:
        raise CorpusError(
            f"corpus {corpus}: protocol {protocol!r} leaks: {'; '.join(leaks)}; choose another protocol, or run "
            "without --strict"
        )


def some(names: Iterable[str], most: int = 5) -> tuple[str, ...]:
    """Keep the first few names, sorted."""
    return tuple(sorted(names)[:most])
