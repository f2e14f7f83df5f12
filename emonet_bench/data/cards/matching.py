"""Matching: the regular expressions of cards, in a process of their own, so that one that explodes can be stopped.

Python's ``re`` has no time limit, and cards come from anywhere. The process imports nothing but the standard
library and starts in some 30 ms.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence

Groups = dict[str, str | None]
"""What the named groups of a match read."""


def first_matches(patterns: Sequence[str], texts: Sequence[str]) -> list[Groups | None]:
    """Match each text as a whole with the first pattern that fits it; None where none does."""
    compiled = [re.compile(pattern) for pattern in patterns]
    return [
        match.groupdict() if (match := next(filter(None, (one.fullmatch(text) for one in compiled)), None)) else None
        for text in texts
    ]


if __name__ == "__main__":
    json.dump(first_matches(*json.load(sys.stdin)), sys.stdout)
