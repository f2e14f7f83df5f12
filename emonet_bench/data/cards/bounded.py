"""Bounded matching: a time limit for the regular expressions of cards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from emonet_bench.data.cards import matching
from emonet_bench.errors import CorpusError

PATIENCE = 30.0
"""Seconds that the patterns of a card may take; 100 000 names take one."""


def bounded_matches(patterns: Sequence[str], texts: Sequence[str], where: str) -> list[matching.Groups | None]:
    """Match each text as a whole with the first pattern that fits it, in bounded time.

    Args:
        patterns: Regular expressions.
        texts: N texts.
        where: Whose patterns they are, for the message.

    Returns:
        For each text what the named groups read; None where no pattern fits it.

    Raises:
        CorpusError: It takes too long.
    """
    if not texts:
        return []
    command = [sys.executable, "-I", "-S", matching.__file__]
    asked = json.dumps([patterns, texts])
    try:
        done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S603 - our own file
    except subprocess.TimeoutExpired:
        raise CorpusError(
            f"{where}: its patterns take more than {PATIENCE:g} s; avoid repetitions within repetitions, such as (a+)+"
        ) from None
    except (OSError, subprocess.CalledProcessError) as error:
        raise CorpusError(f"{where}: its patterns cannot be carried out ({error}); simplify them") from error
    found: list[matching.Groups | None] = json.loads(done.stdout)
    return found
