"""Corpus references: which corpus, under which protocol, with which labels told apart; and their text forms.

A run's ``corpus`` and ``protocol`` are texts: ``emodb+ravdess`` and ``speakers+folds5:4-class`` name two corpora, the
second under a label map; ``folds5@speaker-normalised`` is ``folds5`` with features that are standardised by speaker.
This module is the only one that puts them together and takes them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_JOINT = "+"
_MAP = ":"

SPEAKER_NORMALISED = "@speaker-normalised"
"""Behind the name of a protocol: each speaker's features are standardised over all clips of that speaker, unlabelled
test clips included."""


@dataclass(frozen=True, slots=True)
class CorpusRef:
    """A corpus as a run uses it.

    Attributes:
        name: Its registered name.
        protocol: Name of its protocol, with ``SPEAKER_NORMALISED`` behind it where that is so; empty: its default.
        label_map: Name of a label map or a map written out (see ``label_maps``); empty: the corpus's own labels.
    """

    name: str
    protocol: str = ""
    label_map: str = ""

    @property
    def division(self) -> str:
        """Protocol and label map in one text.

        >>> CorpusRef("ravdess", "folds5", "4-class").division
        'folds5:4-class'
        """
        return f"{self.protocol}{_MAP}{self.label_map}" if self.label_map else self.protocol

    @property
    def split(self) -> str:
        """Name of the protocol that divides the corpus, whatever becomes of features.

        >>> CorpusRef("emodb", "folds5@speaker-normalised").split
        'folds5'
        """
        return self.protocol.removesuffix(SPEAKER_NORMALISED)

    @property
    def speaker_normalised(self) -> bool:
        """Whether features are standardised by speaker: the protocol is transductive."""
        return self.protocol.endswith(SPEAKER_NORMALISED)

    @classmethod
    def of(cls, name: str, division: str) -> CorpusRef:
        """Read the text that ``division`` writes.

        >>> CorpusRef.of("ravdess", "folds5:4-class")
        CorpusRef(name='ravdess', protocol='folds5', label_map='4-class')
        """
        protocol, _, label_map = division.partition(_MAP)
        return cls(name, protocol, label_map)


def join_refs(refs: Sequence[CorpusRef]) -> tuple[str, str]:
    """Write the corpora of a run as its ``corpus`` and its ``protocol``.

    >>> join_refs([CorpusRef("emodb", "speakers"), CorpusRef("ravdess", "folds5", "4-class")])
    ('emodb+ravdess', 'speakers+folds5:4-class')
    """
    return _JOINT.join(ref.name for ref in refs), _JOINT.join(ref.division for ref in refs)


def split_refs(corpus: str, protocol: str) -> tuple[CorpusRef, ...]:
    """Read what ``join_refs`` writes.

    Raises:
        ValueError: There are not as many protocols as corpora.

    >>> [ref.name for ref in split_refs("emodb+ravdess", "speakers+folds5:4-class")]
    ['emodb', 'ravdess']
    """
    pairs = zip(corpus.split(_JOINT), protocol.split(_JOINT), strict=True)
    return tuple(CorpusRef.of(name, division) for name, division in pairs)
