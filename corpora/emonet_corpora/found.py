"""The corpora at hand: those of our cards, those that the user put beside them, and the generated ones."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

from emonet_bench.data.cards import OWN_CARD, corpus_at, corpus_from_card
from emonet_bench.data.tables import UTTERANCES, holds_tables
from emonet_bench.errors import ConfigError, EmonetBenchError
from emonet_bench.folders import passed_over
from emonet_bench.hookspecs import CorporaConfig
from emonet_bench.types import Corpus
from emonet_corpora import CARDS
from emonet_corpora.demo import demo_corpora

_TABLE_SUFFIXES = {".csv", ".tsv", ".tab", ".xlsx", ".xls", ".ods", ".parquet", ".jsonl"}
_LOOKED_AT = 1000  # files of a folder that may hold very many


def all_corpora(config: CorporaConfig) -> Iterator[Corpus]:
    """Return the corpora of all cards, present on this disk or not, the user's own, and the generated ones."""
    cards = sorted(CARDS.glob("*.toml"))
    generated = demo_corpora(config.cache)
    for card in cards:
        yield _ours(card, config.folder(card.stem))
    if config.directory and config.directory.is_dir():
        known, made = {card.stem for card in cards}, {one.name for one in generated}
        yield from _own_corpora(config.directory, known, made, config.left_out)
    yield from generated


@lru_cache(maxsize=256)
def _ours(card: Path, folder: Path | None) -> Corpus:
    """Read one of our cards, once: like our code it stays as it is while Python runs, and names no file elsewhere."""
    return corpus_from_card(card, folder, confined=False)


def _own_corpora(
    directory: Path, known: Collection[str], generated: Collection[str], left_out: dict[str, str]
) -> Iterator[Corpus]:
    """Yield what the user put beside: a folder with a card or with tables. One mistake costs one corpus."""
    for folder in sorted(path for path in directory.iterdir() if path.name not in known and not passed_over(path.name)):
        try:
            if (folder / OWN_CARD).is_file() or holds_tables(folder):
                if folder.name in generated:
                    raise ConfigError(f"{folder}: a generated corpus has this name; rename the folder")  # noqa: TRY301
                yield corpus_at(folder.name, folder)
            elif folder.is_dir():
                left_out[folder.name] = _without_tables(folder)  # no warning: it need not be meant as a corpus
        except Exception as error:  # noqa: BLE001 - whatever lies in a folder, the others are not to blame
            kind = "" if isinstance(error, EmonetBenchError) else f"{folder}: {type(error).__name__}: "
            left_out[folder.name] = f"{kind}{error}"
            warnings.warn(f"corpus {folder.name} is left out: {kind}{error}", RuntimeWarning, stacklevel=2)


def _without_tables(folder: Path) -> str:
    """Say that a folder is no corpus, and which of its files may be the table that was meant."""
    with os.scandir(folder) as entries:
        alike = [one.name for one in islice(entries, _LOOKED_AT) if Path(one.name).suffix.lower() in _TABLE_SUFFIXES]
    remedy = f"save {min(alike)} as CSV under the name {UTTERANCES}" if alike else f"list its clips in {UTTERANCES}"
    return f"{folder}: holds no {OWN_CARD}, no {UTTERANCES} and no tables of partitions; {remedy}"
