"""Writes the pages on options from the options models themselves, and the corpora's page from their cards."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from emonet_bench.config import Options, Training
from emonet_bench.data.corpus_entry import CorpusEntry
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.search import Search
from emonet_bench.types import Architecture, Augmentation, Corpus, ExecutorKind, Loss, Optimizer, SplitRule, Strategy

_BOUNDS = {"ge": "≥ {}", "gt": "> {}", "le": "≤ {}", "lt": "< {}", "min_length": "at least {}"}


def write_pages(directory: Path) -> None:
    """Write every generated page into a directory."""
    plugins = Plugins(Selection(strict=True))
    pages = {
        "matrix": options_table(Matrix),
        "corpus-entry": options_table(CorpusEntry),
        "search": options_table(Search),
        "training": options_table(Training),
        "architectures": "\n".join(map(_section, plugins.architectures.values())),
        "strategies": "\n".join(map(_section, plugins.strategies.values())),
        "losses": "\n".join(map(_section, plugins.losses.values())),
        "optimizers": "\n".join(map(_section, plugins.optimizers.values())),
        "augmentations": "\n".join(map(_section, plugins.augmentations.values())),
        "executors": "\n".join(map(_section, plugins.executors.values())),
        "corpora": _corpora_table(plugins.corpora.values()),
    }
    directory.mkdir(exist_ok=True)
    for name, text in pages.items():
        (directory / f"{name}.md").write_text(text, encoding="utf-8")


def options_table(model: type[Options]) -> str:
    """Describe each option of a model in one row."""
    if not model.model_fields:
        return "No options.\n"
    rows = ([f"`{name}`", _short(field), _values(field), _default(field), field.description or ""]
            for name, field in model.model_fields.items())  # fmt: skip
    return _table(["option", "flag", "values", "default", "meaning"], rows)


def _section(thing: Architecture | Strategy | Loss | Optimizer | Augmentation | ExecutorKind) -> str:
    return f"### {thing.name}\n\n{options_table(thing.options)}"


def _corpora_table(corpora: Iterable[Corpus]) -> str:
    rows = (
        [f"`{corpus.name}`", corpus.title, " ".join(corpus.languages), ", ".join(corpus.labels),
         "<br>".join(f"`{name}`: {_rule(rule)}" for name, rule in corpus.protocols.items()), corpus.licence]
        for corpus in corpora
    )  # fmt: skip
    return _table(["corpus", "title", "language", "labels", "protocols", "licence"], rows)


def _rule(rule: SplitRule) -> str:
    if rule.folds == "each":
        return f"one {rule.by} out"
    if rule.folds:
        return f"{rule.folds} folds by {rule.by}"
    return f"fixed by {rule.by}" if rule.fixed else "the corpus's own"


def _short(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return f"`{extra['short']}`" if isinstance(extra, Mapping) and extra.get("short") else ""


def _values(field: FieldInfo) -> str:
    bounds = [
        text.format(getattr(constraint, name))
        for constraint in field.metadata
        for name, text in _BOUNDS.items()
        if getattr(constraint, name, None) is not None
    ]
    return " ".join([_kind(field.annotation), *bounds])


def _kind(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{argument}`" for argument in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join("none" if kind is type(None) else _kind(kind) for kind in arguments)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin in (list, tuple):
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return "table"
    return "table" if isinstance(annotation, type) and issubclass(annotation, Options) else _NAMES[annotation]


_NAMES = {Path: "path", str: "text", int: "whole number", float: "number", bool: "true or false", Any: "any"}


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if value in ([], {}, ()):
        return "empty"
    text = str(list(value) if isinstance(value, tuple) else value)
    return f"`{text.lower() if isinstance(value, bool) else text}`"


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
