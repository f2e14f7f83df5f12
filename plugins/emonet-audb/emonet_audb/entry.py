"""What ``audb.toml`` says of one corpus."""

from __future__ import annotations

from pydantic import model_validator

from emonet_bench.config import Options, option
from emonet_bench.types import PARTITIONS, Partition


class Entry(Options):
    """One corpus: a database, its tables, and what their columns mean."""

    database: str = option(..., "Name of the database.")
    version: str = option(..., "Its version: another one is another corpus.")
    labels: tuple[str, ...] = option(..., "Labels in declared order; rows with others are left out.", min_length=2)
    column: str = option("emotion", "Column of the tables that holds the label.")
    speaker: str | None = option(None, "Table and column that hold the speaker, such as 'files.speaker'.")
    tables: dict[Partition, tuple[str, ...]] | tuple[str, ...] = option(
        ..., "Tables: a list for each of train, dev and test, or one list that is divided by speaker."
    )
    languages: tuple[str, ...] = option((), "ISO 639-1 codes.")
    licence: str = option("unverified", "Terms of the audio.")

    @property
    def divided(self) -> bool:
        """Whether the database's own tables are the partitions."""
        return isinstance(self.tables, dict) and set(self.tables) == set(PARTITIONS)

    @property
    def places(self) -> list[tuple[Partition | None, str]]:
        """The tables, each with its partition where the tables divide the corpus."""
        if not isinstance(self.tables, dict):
            return [(None, table) for table in self.tables]
        return [(part if self.divided else None, table) for part, tables in self.tables.items() for table in tables]

    @model_validator(mode="after")
    def _divisible(self) -> Entry:
        if not self.divided and self.speaker is None:
            raise ValueError("give tables for each of train, dev and test, or a speaker to divide by")
        if self.speaker is not None and not all(self.speaker.rpartition(".")[::2]):
            raise ValueError("speaker: give a table and its column, such as 'files.speaker'")
        return self
