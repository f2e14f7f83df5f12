"""The corpora that emonet-bench knows: one card for each, the user's own, and two generated ones for demonstration."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from emonet_bench import hookimpl
from emonet_bench.hookspecs import CorporaConfig
from emonet_bench.types import Corpus

CARDS = Path(__file__).parent / "cards"


@hookimpl
def emonet_corpora(config: CorporaConfig) -> Iterable[Corpus]:
    """Return the corpora of all cards, present on this disk or not, the user's own, and the generated ones."""
    from emonet_corpora.found import all_corpora  # noqa: PLC0415 - cards are read when corpora are asked for

    return all_corpora(config)
