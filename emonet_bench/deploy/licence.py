"""Licences: whether the terms of the audio that a model was trained on restrict what may be done with it."""

from __future__ import annotations

import re

_RESTRICTED = re.compile(r"\bnc\b|non-?commercial|research|academic", re.IGNORECASE)


def restricts_use(licence: str) -> bool:
    """Tell whether a licence is for research, or for no commercial use.

    Args:
        licence: Its name or its terms, as a corpus's card or a model's metadata has them.

    >>> restricts_use("CC BY-NC-SA 4.0"), restricts_use("CC BY 4.0")
    (True, False)
    """
    return _RESTRICTED.search(licence) is not None
