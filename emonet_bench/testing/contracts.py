"""How a kit runs its checks and reports the contract that was broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Bench = TypeVar("Bench")
PAGE = "docs/contracts.md"


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
        """What was seen, on one line."""
        kind = "" if isinstance(self.error, BrokenError) else f"{type(self.error).__name__}: "
        return " ".join(f"{kind}{self.error}".split())


def examine(kind: str, checks: Iterable[Callable[[Bench], None]], bench: Bench) -> Iterator[CheckResult]:
    """Run checks in order; each one's docstring is the contract.

    Args:
        kind: What is checked, such as ``architecture``.
        checks: Functions that raise where the contract is broken: ``BrokenError`` or whatever the plugin raises.
        bench: What they are given.
    """
    for check in checks:
        contract = " ".join((check.__doc__ or "").split())
        written = f"{PAGE}#{anchor(kind, check)}"
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
