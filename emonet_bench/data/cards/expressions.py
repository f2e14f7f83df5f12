"""Regular expressions of cards: held to be sound before they are carried out, see ``bounded``."""

from __future__ import annotations

import re
import warnings

_LONGEST = 2_000  # characters of a regular expression


def expression(pattern: str) -> str:
    """Hold a pattern to be a regular expression.

    Raises:
        ValueError: It is none, or too long.
    """
    if len(pattern) > _LONGEST:
        raise ValueError(f"not a regular expression of at most {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python will read differently one day
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, MemoryError, Warning) as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


def of_path(pattern: str) -> str:
    """Make the expression for a whole path of one for its end; what that matches is the group ``_name``."""
    return rf"(?:.*/)?(?P<_name>{pattern})"


def part_of_path(pattern: str) -> str:
    """Hold a pattern to be an expression for the end of a path.

    Raises:
        ValueError: It is none, or makes no whole with what goes before.
    """
    expression(pattern)
    try:
        re.compile(of_path(pattern))
    except re.error as error:  # flags for the whole, references by number
        raise ValueError(f"not a part of an expression: {error.msg}; write (?i:...) and (?P=name)") from error
    return pattern
