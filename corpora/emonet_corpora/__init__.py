"""The corpora that emonet-bench knows: one card for each, and two generated ones for demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from emonet_bench import hookimpl
from emonet_corpora.cards import corpus_from_card
from emonet_corpora.demo import demo_corpora

if TYPE_CHECKING:
    from emonet_bench.hookspecs import CorporaConfig
    from emonet_bench.types import Corpus

CARDS = Path(__file__).parent / "cards"


@hookimpl
def emonet_corpora(config: CorporaConfig) -> list[Corpus]:
    """Return the corpora of all cards, present on this disk or not, and the generated ones."""
    cards = sorted(CARDS.glob("*.toml"))
    recorded = [corpus_from_card(card, config.directory and config.directory / card.stem) for card in cards]
    return [*recorded, *demo_corpora(config.cache)]
