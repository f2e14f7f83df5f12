"""Name resolution: the names in a matrix file, held to what plugins register."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.matrix.planning.methods import check_methods
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import TeacherRun
from emonet_bench.validation_messages import did_you_mean

Candidate = TypeVar("Candidate")

_EXCLUDABLE = ("corpus", "architecture", "strategy", "seed")


def check_names(matrix: Matrix, plugins: Plugins) -> None:
    """Hold every name in a matrix to what is known.

    Raises:
        ConfigError: One is unknown, or nothing is named where something must be.
    """
    for registry, names in (
        (plugins.corpora, matrix.entries),
        (plugins.architectures, matrix.architectures),
        (plugins.strategies, matrix.strategies),
    ):
        for name in names:
            registry[name]
    for axis in ("entries", "architectures", "strategies", "seeds"):
        if not getattr(matrix, axis):
            raise ConfigError(f"{'corpora' if axis == 'entries' else axis}: name at least one")
    if matrix.source_strategy is not None:
        _check_source_strategy(matrix.source_strategy, plugins)
    check_methods(matrix, plugins)
    _check_tables(matrix, plugins)
    _check_exclude(matrix, plugins)
    _check_maps(matrix, plugins)


def check_teacher(wanted: TeacherRun, strategy: str, plugins: Plugins, corpora: int = 1) -> None:
    """Hold a teacher to what is known and starts from nothing.

    Args:
        wanted: The teacher.
        strategy: Name of the strategy that asks for it.
        plugins: Where names are registered.
        corpora: How many corpora the student is trained on.

    Raises:
        ConfigError: Its architecture or strategy is unknown, it does not start from nothing, or it is trained on one
            corpus and the student on several.
    """
    for registry, name in (
        (plugins.architectures, wanted.architecture),
        (plugins.strategies, wanted.strategy),
    ):
        if name is not None and name not in registry:
            raise ConfigError(f"options.{strategy}: no teacher {name!r} is registered{did_you_mean(name, registry)}")
    if wanted.strategy is None:
        return
    if corpora > 1:
        raise ConfigError(
            f"options.{strategy}: the teacher {wanted.architecture} {wanted.strategy} is trained on one corpus, "
            f"and the source on {corpora}; take one that needs no training: teacher_strategy = 'none'"
        )
    own = plugins.strategies[wanted.strategy]
    if own.needs_source or own.multi_corpus or own.teacher:
        raise ConfigError(
            f"options.{strategy}: {wanted.strategy!r} does not train a teacher from nothing on one corpus; name a "
            "strategy that does"
        )


def only_teacher(found: Sequence[Candidate], wanted: TeacherRun, strategy: str) -> Candidate:
    """Return the one that there is.

    Args:
        found: What a matrix's options make of the teacher.
        wanted: The teacher.
        strategy: Name of the strategy that asks for it.

    Raises:
        ConfigError: There are several.
    """
    if len(found) > 1:
        what = f"runs of {wanted.architecture} {wanted.strategy}" if wanted.strategy else f"of {wanted.architecture}"
        raise ConfigError(
            f"options.{strategy}: {len(found)} {what} could teach, by lists in options or training; name the "
            "options of one: teacher_options"
        )
    return found[0]


def _check_source_strategy(name: str, plugins: Plugins) -> None:
    """Hold the strategy that trains sources to one that starts from nothing.

    Raises:
        ConfigError: It is unknown, or needs a source itself.
    """
    if name not in plugins.strategies:
        raise ConfigError(f"source_strategy: unknown strategy {name!r}{did_you_mean(name, plugins.strategies)}")
    if plugins.strategies[name].needs_source:
        raise ConfigError(f"source_strategy: {name!r} needs a source itself; name a strategy that starts from nothing")


def _check_exclude(matrix: Matrix, plugins: Plugins) -> None:
    """Hold what is left out to known names: a misspelt one would leave nothing out."""
    known: dict[str, Mapping[str, object]] = {
        "corpus": plugins.corpora,
        "architecture": plugins.architectures,
        "strategy": plugins.strategies,
    }
    for entry in matrix.exclude:
        for key, value in entry.items():
            if key not in _EXCLUDABLE:
                raise ConfigError(f"exclude: unknown key {key!r}{did_you_mean(key, _EXCLUDABLE)}")
            for name in (value if isinstance(value, list) else [value]) if key in known else ():
                if name not in known[key]:
                    raise ConfigError(f"exclude: unknown {key} {name!r}{did_you_mean(name, known[key])}")


def _check_tables(matrix: Matrix, plugins: Plugins) -> None:
    known = [*plugins.architectures, *plugins.strategies]
    for where, names in (("options", matrix.options), ("training", matrix.own_trainings)):
        for name in names:
            if name not in known:
                raise ConfigError(f"{where}.{name}: no such architecture or strategy{did_you_mean(name, known)}")


def _check_maps(matrix: Matrix, plugins: Plugins) -> None:
    counts = Counter(name for corpus in matrix.entries for name in plugins.corpora[corpus].maps)
    for name in matrix.evaluate:
        if counts[name] < 2:  # noqa: PLR2004
            shared = [known for known, count in counts.items() if count > 1]
            raise ConfigError(f"evaluate: no two corpora have the label map {name!r}{did_you_mean(name, shared)}")
