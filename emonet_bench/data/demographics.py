"""Demographics: what a corpus's tables and documentation tell of speakers, never guessed from audio."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from emonet_bench.types import Corpus, Utterance

_DECADE = 10
_UNKNOWN = frozenset({"", "?", "-", "n/a", "nan", "unknown"})
_YEARS = re.compile(r"(\d{1,3})(\.\d+)?")


def demographics_of(corpus: Corpus, utterance: Utterance) -> dict[str, str]:
    """Tell what is known of who speaks, by attribute; an age in years becomes a decade such as ``30-39``.

    What the utterance says goes before what the corpus tells of its speaker.
    """
    said = {**_of_speaker(corpus, utterance.speaker), **(utterance.demographics or {})}
    return {attribute: _decade(value) if attribute == "age" else value for attribute, value in said.items()}


def known(cell: str | None) -> str | None:
    """Return what a cell of a table says; None where that is only that it is unknown.

    >>> known("female"), known("NaN"), known(None)
    ('female', None, None)
    """
    return None if (cell or "").strip().casefold() in _UNKNOWN else cell


def _of_speaker(corpus: Corpus, speaker: str | None) -> dict[str, str]:
    if speaker is None:
        return {}
    return {
        attribute: value
        for attribute, values in corpus.demographics.items()
        for value, speakers in values.items()
        if any(fnmatchcase(speaker, pattern) for pattern in speakers)
    }


def _decade(age: str) -> str:
    years = _YEARS.fullmatch(age)  # a column of numbers with gaps is often written as 31.0
    if not years:
        return age
    first = int(years[1]) // _DECADE * _DECADE
    return f"{first}-{first + _DECADE - 1}"
