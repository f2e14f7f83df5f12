"""Guarded calls: what a plugin's function raises where the host calls it becomes one line with the plugin's name."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from typing import Any

from emonet_bench.errors import EmonetBenchError, PluginError
from emonet_bench.plugins.discovery import file_module
from emonet_bench.plugins.registries import Origin
from emonet_bench.types import Corpus, ExecutorKind, Loss, Metric, ReportFormat, Strategy, Utterance

_CALLED: dict[type, tuple[str, ...]] = {
    Corpus: ("load",),
    ExecutorKind: ("start",),
    Loss: ("check",),
    Metric: ("compute", "counts", "weighted", "tuned"),
    ReportFormat: ("render",),
    Strategy: ("source_options", "teacher"),
}
"""The functions that are called while a matrix is planned and a report is made; what a cell calls fails with it."""


def guarded(thing: Any, kind: str, origin: Origin) -> Any:
    """Return a descriptor of a plugin whose functions raise errors of ``emonet_bench.errors`` and print to stderr.

    Args:
        thing: The descriptor.
        kind: What it is, in words.
        origin: The plugin; what comes with the host stays as it is.
    """
    called = next((names for one, names in _CALLED.items() if isinstance(thing, one) and not origin.shipped), ())
    there = {name: getattr(thing, name) for name in called if getattr(thing, name) is not None}
    where = f"plugin {origin}: {kind} {thing.name}"
    inside = {name: partial(_call, where, origin, name, function) for name, function in there.items()}
    if isinstance(thing, Corpus) and inside:
        inside["load"] = partial(_load, where, inside["load"])
    return replace(thing, **inside) if inside else thing


def place(error: BaseException, origin: Origin) -> str:
    """Say where in a plugin's files an exception has passed last, as ``mine.py:3``; nothing where it has not."""
    own = {origin.source.partition(":")[0].partition(".")[0], file_module(origin.name)}
    frames = reversed(list(traceback.walk_tb(error.__traceback__)))
    passed = ((frame, line) for frame, line in frames if _package(frame.f_globals) in own)
    return next((f"{frame.f_code.co_filename}:{line}" for frame, line in passed), "")


def _package(namespace: dict[str, Any]) -> str:
    return str(namespace.get("__name__", "")).partition(".")[0]


def _call(where: str, origin: Origin, name: str, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Call a plugin's function.

    Raises:
        PluginError: It raised what is no error of ``emonet_bench.errors``; those, and a want of memory, pass.
    """
    try:
        with redirect_stdout(sys.stderr):  # stdout is for results
            return function(*given, **named)
    except (EmonetBenchError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        at = f" at {found}" if (found := place(error, origin)) else ""
        raise PluginError(f"{where}: {name} raised {error!r}{at}; mend or uninstall it") from error


def _load(where: str, load: Callable[[], Any]) -> Sequence[Utterance]:
    """Load a plugin's corpus.

    Raises:
        PluginError: It gave something else than utterances.
    """
    found = load()
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise PluginError(f"{where}: load must return a list of Utterance; got {type(found).__name__}; mend it")
    odd = next((one for one in found if not isinstance(one, Utterance)), None)
    if odd is not None:
        raise PluginError(f"{where}: load must return a list of Utterance; one is a {type(odd).__name__}; mend it")
    return found
