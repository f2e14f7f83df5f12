"""Demographics: what a corpus's documentation tells of its speakers, never guessed from audio."""

from __future__ import annotations

from fnmatch import fnmatchcase

from emonet_bench.types import Corpus

_DECADE = 10


def demographics_of(corpus: Corpus, speaker: str | None) -> dict[str, str]:
    """Tell what is known of a speaker, by attribute; an age in years becomes a decade such as ``30-39``."""
    if speaker is None:
        return {}
    return {
        attribute: _decade(value) if attribute == "age" else value
        for attribute, values in corpus.demographics.items()
        for value, speakers in values.items()
        if any(fnmatchcase(speaker, pattern) for pattern in speakers)
    }


def _decade(age: str) -> str:
    if not age.isdecimal():
        return age
    first = int(age) // _DECADE * _DECADE
    return f"{first}-{first + _DECADE - 1}"
