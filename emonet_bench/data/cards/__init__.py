"""Cards: a corpus in one TOML file, and how it is read from a folder of audio."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from emonet_bench.config import parse, read_toml
from emonet_bench.data.cards.card import Card
from emonet_bench.data.cards.challenges import challenges_of
from emonet_bench.data.cards.folder import load
from emonet_bench.data.cards.targets import targets_of
from emonet_bench.data.tables import read_directory
from emonet_bench.errors import ConfigError
from emonet_bench.types import Corpus

__all__ = ["OWN_CARD", "Card", "corpus_at", "corpus_from_card"]

OWN_CARD = "card.toml"
"""The name under which a folder brings its own card."""


def corpus_from_card(
    card_path: Path, audio_path: Path | None, name: str | None = None, *, confined: bool = True
) -> Corpus:
    """Read a card.

    Args:
        card_path: A TOML file.
        audio_path: The folder with the corpus's audio, at any depth and in any format; None where none is known.
        name: The corpus's name; None: the card's stem.
        confined: Whether the card's tables must lie in the audio's folder, links followed; a stranger's must.

    Raises:
        ConfigError: The card is no card; one line that names the file and the field.
    """
    card, name = parse(Card, read_toml(card_path), str(card_path)), name or card_path.stem
    try:
        return Corpus(
            name=name,
            labels=tuple(dict.fromkeys(filter(None, card.labels.values()))),
            load=partial(load, name, card, audio_path, confined=confined),
            protocols={key: protocol.rule() for key, protocol in card.protocols.items()},
            title=card.title,
            languages=card.languages,
            licence=card.licence,
            citation=card.citation.strip(),
            fingerprint=card.fingerprint,
            clips=card.clips,
            maps=card.maps,
            facts=card.facts(),
            demographics=card.demographics,
            targets=targets_of(card.targets),
            challenges=challenges_of(name, card, audio_path),
        )
    except ConfigError as error:
        raise ConfigError(f"{card_path}: {error}") from None


def corpus_at(name: str, path: Path, card: Path | None = None) -> Corpus:
    """Describe the corpus that lies in a folder.

    Args:
        name: Its name.
        path: The folder with its audio.
        card: A card that the user names, or a folder with a card (``card.toml``) or with tables. None: what lies in the
            audio's folder, by whomever; such a card is confined to it.

    Raises:
        ConfigError: There is no card or table, or it is wrong; one line that names it.
        CorpusError: A row of a table is wrong.
    """
    confined, card = card is None, card or path
    if not card.is_dir():
        return corpus_from_card(card, path, name, confined=confined)
    if (card / OWN_CARD).is_file():
        return corpus_from_card(card / OWN_CARD, path, name, confined=confined)
    return read_directory(name, path, card)
