"""Findings of an audit, and the verdict on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from emonet_bench.errors import CorpusError

Level = Literal["note", "warning", "unknown", "leak"]
Verdict = Literal["clean", "warnings", "speakers unknown", "incomplete", "leaking"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""From the best to the worst."""


@dataclass(frozen=True)
class Finding:
    """One thing that an audit found.

    Attributes:
        check: Which check: ``speakers``, ``identical``, ``bandwidth`` and so on.
        level: ``leak``: test is heard in train or dev. ``unknown``: something is missing, so that it cannot be told.
            ``warning``: worth mending. ``note``: worth knowing.
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
    found = {(finding.level, finding.check) for finding in findings}
    levels = {level for level, _ in found}
    if "leak" in levels:
        return "leaking"
    if "unknown" in levels:
        return (
            "speakers unknown"
            if {check for level, check in found if level == "unknown"} == {"speakers"}
            else "incomplete"
        )
    return "warnings" if "warning" in levels else "clean"


def refuse_leaks(corpus: str, protocol: str, findings: Iterable[Finding]) -> None:
    """Stop where a protocol leaks, or where what is missing of the corpus may hide it.

    Raises:
        CorpusError: One line that says what leaks, or else what is missing.
    """
    findings = list(findings)
    remedies = {
        "leak": ("leaks", "choose another protocol"),
        "unknown": ("cannot be shown to be free of leaks", "complete the corpus"),
    }
    for level, (what, remedy) in remedies.items():
        told = [finding.message for finding in findings if finding.level == level]
        if told:
            raise CorpusError(
                f"corpus {corpus}: protocol {protocol!r} {what}: {'; '.join(told)}; {remedy}, or run without --strict"
            )


def some(names: Iterable[str], most: int = 5) -> tuple[str, ...]:
    """Keep the first few names, sorted."""
    return tuple(sorted(names)[:most])


def bad_files(count: int, reasons: Iterable[str] = ()) -> Finding:
    """Return that some files, at least one, cannot be used."""
    return Finding("bad files", "warning", f"{count} {'file' if count == 1 else 'files'} cannot be used", some(reasons))
