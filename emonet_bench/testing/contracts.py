"""How a kit runs its checks and reports the contract that was broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Bench = TypeVar("Bench")
PAGE = "docs/contracts.md"


class BrokenError(Exception):
    """A check's finding: what was seen."""


def hold(kind: str, name: str, checks: Iterable[Callable[[Bench], None]], bench: Bench) -> None:
    """Run checks in order; each one's docstring is the contract.

    Args:
        kind: What is checked, such as ``architecture``.
        name: Its registered name.
        checks: Functions that raise where the contract is broken: ``BrokenError`` or whatever the plugin raises.
        bench: What they are given.

    Raises:
        AssertionError: It says what the contract is, what was seen and where it is written.
    """
    for check in checks:
        try:
            check(bench)
        except Exception as error:
            seen = str(error) if isinstance(error, BrokenError) else f"{type(error).__name__}: {error}"
            contract = " ".join((check.__doc__ or "").split())
            raise AssertionError(
                f"{kind} {name!r} breaks a contract\n"
                f"  contract: {contract}\n"
                f"  seen:     {seen}\n"
                f"  written:  {PAGE}#{anchor(kind, check)}"
            ) from error


def anchor(kind: str, check: Callable[..., None]) -> str:
    """Return the anchor of a check's section on the page.

    >>> anchor("architecture", hold)
    'architecture-hold'
    """
    return f"{kind}-{check.__name__.replace('_', '-')}"
