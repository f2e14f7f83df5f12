"""Corpora from audb databases: ``audb.toml`` in the corpora directory says which."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from emonet_audb.entry import Entry
from emonet_bench import hookimpl
from emonet_bench.config import parse, read_toml
from emonet_bench.errors import ConfigError
from emonet_bench.hookspecs import CorporaConfig
from emonet_bench.types import Corpus, SplitRule, Utterance

FILE = "audb.toml"


@hookimpl
def emonet_corpora(config: CorporaConfig) -> Iterator[Corpus]:
    """Register a corpus for each table of ``audb.toml``; nothing is downloaded before it is loaded."""
    file = config.directory / FILE if config.directory else None
    if file is None or not file.is_file():
        return
    for name, values in read_toml(file).items():
        if not isinstance(values, dict):
            raise ConfigError(f"{file}: {name}: write it below a heading such as [my-corpus]")
        yield corpus(name, parse(Entry, values, f"{file}: {name}"))


def corpus(name: str, entry: Entry) -> Corpus:
    """Describe a corpus."""
    protocols = {"folds5": SplitRule(folds=5), "loso": SplitRule(folds="each")}
    return Corpus(
        name,
        entry.labels,
        partial(_load, name, entry),
        {"own": SplitRule()} if entry.divided else protocols,
        title=f"{entry.database} {entry.version}",
        languages=entry.languages,
        licence=entry.licence,
        facts={"database": entry.database, "version": entry.version},
    )


def _load(name: str, entry: Entry) -> list[Utterance]:
    from emonet_audb.database import load  # noqa: PLC0415 - audb and pandas are for real work only

    return load(name, entry)
