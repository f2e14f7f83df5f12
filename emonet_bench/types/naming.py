"""Names: those that plugins register, which become part of file names, and lists of them in messages.

``emonet_bench.types`` has these names, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from emonet_bench.errors import ConfigError

LONGEST_NAME = 100
"""Letters of a registered name: it is a part of file names, and many file systems end at 255 bytes."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_+-]*", re.IGNORECASE)


def check_name(kind: str, name: str) -> None:
    """Hold a registered name to letters, digits, ``_``, ``+`` and ``-``: it becomes part of file names.

    That of a corpus holds no ``+``, which joins the names of several.

    Raises:
        ConfigError: The name holds anything else.

    >>> check_name("corpus", "emotiontts_ko")
    """
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        raise ConfigError(f"{kind} name {str(name)[:LONGEST_NAME]!r}: must be a text of at most {LONGEST_NAME} letters")
    if kind == "corpus" and "+" in name:
        raise ConfigError(f"corpus name {name!r}: must not hold '+', which joins the names of several; rename it")
    if not _NAME.fullmatch(name):
        signs = "'_' and '-'" if kind == "corpus" else "'_', '+' and '-'"
        raise ConfigError(f"{kind} name {name!r}: use letters, digits, {signs} only, and start with a letter or digit")


def names(things: Iterable[Any]) -> str:
    """List names for a message.

    >>> names(["cnn", "rnn"])
    "'cnn', 'rnn'"
    """
    return ", ".join(repr(str(thing)) for thing in things)
