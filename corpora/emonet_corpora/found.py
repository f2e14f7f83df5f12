"""The corpora at hand: those of our cards, those that the user put beside them, and the generated ones."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from pathlib import Path

from emonet_bench.data.cards import OWN_CARD, corpus_at, corpus_from_card
from emonet_bench.data.tables import holds_tables
from emonet_bench.errors import EmonetBenchError
from emonet_bench.hookspecs import CorporaConfig
from emonet_bench.types import Corpus
from emonet_corpora import CARDS
from emonet_corpora.demo import demo_corpora


def all_corpora(config: CorporaConfig) -> Iterator[Corpus]:
    """Return the corpora of all cards, present on this disk or not, the user's own, and the generated ones."""
    cards = sorted(CARDS.glob("*.toml"))
    for card in cards:
        yield corpus_from_card(card, config.folder(card.stem))
    if config.directory and config.directory.is_dir():
        yield from _own_corpora(config.directory, {card.stem for card in cards})
    yield from demo_corpora(config.cache)


def _own_corpora(directory: Path, known: Collection[str]) -> Iterator[Corpus]:
    """Yield what the user put beside: a folder with a card or with tables. One mistake costs one corpus."""
    for folder in sorted(path for path in directory.iterdir() if path.is_dir() and path.name not in known):
        try:
            if (folder / OWN_CARD).is_file() or holds_tables(folder):
                yield corpus_at(folder.name, folder)
        except EmonetBenchError as error:
            warnings.warn(f"corpus {folder.name} is left out: {error}", RuntimeWarning, stacklevel=2)
