"""Contracts: how a kit runs its checks and reports the contract that was broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Bench = TypeVar("Bench")
PAGE = "docs/contracts.md"
LONGEST = 400
"""Letters of a message that are shown whole."""


class BrokenError(Exception):
    """A check's finding: what was seen."""


@dataclass(frozen=True)
class CheckResult:
    """What came of one check.

    Attributes:
        contract: What is to be kept.
        written: Where that is explained.
        error: What the check raised, or None where the contract is kept.
    """

    contract: str
    written: str
    error: Exception | None = None

    @property
    def seen(self) -> str:
        """What was seen, on one line: of the pages that compilers print, the line that says what is wrong."""
        kind = "" if isinstance(self.error, BrokenError) else f"{type(self.error).__name__}: "
        return useful_line(f"{kind}{self.error}")


def useful_line(text: str) -> str:
    r"""Return a message on one line; of a long one its first line and the last that names an error.

    >>> useful_line("RuntimeError: export failed" + 40 * "\n  graph of nodes" + "\nValueError: no operator x")
    'RuntimeError: export failed ... ValueError: no operator x'
    """
    whole = " ".join(text.split())
    if len(whole) <= LONGEST:
        return whole
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    named = [line for line in lines[1:] if re.match(r"[\w.]*(Error|Exception)\b", line)]
    parts = [lines[0], *named[-1:]]
    return " ... ".join(part if len(part) <= LONGEST else f"{part[:LONGEST]} ..." for part in parts)


def announced(kind: str, check: Callable[..., None]) -> tuple[str, str]:
    """Return the contract that a check holds to, and where it is explained."""
    return " ".join((check.__doc__ or "").split()), f"{PAGE}#{anchor(kind, check)}"


def examine(kind: str, checks: Iterable[Callable[[Bench], None]], bench: Bench) -> Iterator[CheckResult]:
    """Run checks in order; each one's docstring is the contract.

    Args:
        kind: What is checked, such as ``architecture``.
        checks: Functions that raise where the contract is broken: ``BrokenError`` or whatever the plugin raises.
        bench: What they are given.
    """
    for check in checks:
        contract, written = announced(kind, check)
        try:
            check(bench)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            yield CheckResult(contract, written, error)
        else:
            yield CheckResult(contract, written)


def hold(kind: str, name: str, checks: Iterable[Callable[[Bench], None]], bench: Bench) -> None:
    """Run checks in order until one finds a broken contract.

    Args:
        kind: See ``examine``.
        name: Its registered name.
        checks: See ``examine``.
        bench: See ``examine``.

    Raises:
        AssertionError: It says what the contract is, what was seen and where it is written.
    """
    for finding in examine(kind, checks, bench):
        if finding.error is not None:
            raise AssertionError(
                f"{kind} {name!r} breaks a contract\n"
                f"  contract: {finding.contract}\n"
                f"  seen:     {finding.seen}\n"
                f"  written:  {finding.written}"
            ) from finding.error


def anchor(kind: str, check: Callable[..., None]) -> str:
    """Return the anchor of a check's section on the page.

    >>> anchor("architecture", hold)
    'architecture-hold'
    """
    return f"{kind}-{check.__name__.replace('_', '-')}"
