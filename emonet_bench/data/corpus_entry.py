"""What a matrix file says of one corpus: its protocol, its labels, and where it lies."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from emonet_bench.config import Options, option
from emonet_bench.data import label_maps
from emonet_bench.data.cards import corpus_at
from emonet_bench.files import expanded
from emonet_bench.types import Corpus


class CorpusEntry(Options):
    """What a matrix file says of one corpus."""

    protocol: str | None = option(None, "Name of one of the corpus's protocols; none: its default.")
    labels: str | dict[str, str | Literal[False]] | None = option(
        None,
        "A label map: the name of one of the corpus's, or a table of labels and what they become (false: left out).",
    )
    card: Path | None = option(
        None,
        "For a corpus of your own: a card, or a directory with card.toml or with tables; relative to the matrix file.",
    )
    path: Path | None = option(None, "Directory of its audio; none: the card's, or as --corpora-dir says.")

    @property
    def division(self) -> str | None:
        """Protocol and label map in one name, as ``RunSpec`` has it."""
        if isinstance(self.labels, dict):
            return label_maps.protocol_name(self.protocol, {label: new or "" for label, new in self.labels.items()})
        return label_maps.protocol_name(self.protocol, self.labels)

    def corpus(self, name: str, base: Path) -> Corpus | None:
        """Describe a corpus of the user's own; None where no card is named.

        Args:
            name: Its name.
            base: The directory that paths are relative to.

        Raises:
            ConfigError: The card or the tables are wrong.
            CorpusError: A row of a table is wrong.
        """
        if self.card is None:
            return None
        card = base / expanded(self.card, f"corpora.{name}.card")
        path = base / expanded(self.path, f"corpora.{name}.path") if self.path else None
        return corpus_at(name, path or (card if card.is_dir() else card.parent), card)
