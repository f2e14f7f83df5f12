"""Extensions of records: facts that plugins add to a run's record as it ends, each under its own name."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from typing import Any

from pydantic import TypeAdapter, ValidationError

from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.facts import Extension
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import RunSpec

HOOK = "emonet_extend_record"

_NOTE = f"{HOOK} of "
_log = logging.getLogger(__name__)
_extension: TypeAdapter[dict[str, Any]] = TypeAdapter(Extension)


class RecordExtensions:
    """What plugins say of one run: asked as it begins, and once more as it ends.

    No run is lost to a plugin that fails here: what it did stands in the record's notes instead of its facts.

    Args:
        plugins: The plugins.
        spec: The cell that begins.
    """

    def __init__(self, plugins: Plugins, spec: RunSpec) -> None:
        self._ends: dict[str, Callable[[Mapping[str, Any]], object]] = {}
        self._problems: dict[str, str] = {}
        for origin in plugins.working if getattr(plugins.manager.hook, HOOK).get_hookimpls() else ():
            try:
                with redirect_stdout(sys.stderr):
                    answers = plugins.hook_of(origin, HOOK)(spec=spec)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - any plugin may raise anything
                self._complain(origin.name, f"raised {error!r}")
                continue
            for end in answers:
                if callable(end):
                    self._ends[origin.name] = end
                else:
                    self._complain(origin.name, f"must return a function of the record or None; got {end!r}")

    def added_to(self, record: RunRecord) -> RunRecord:
        """Return the record with what the plugins say of it."""
        found = {}
        for name, end in self._ends.items():
            try:
                with redirect_stdout(sys.stderr):
                    facts = end(record.plain())
                if facts:
                    found[name] = checked_extension(facts)
            except ValueError as error:
                self._complain(name, str(error))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
                self._complain(name, f"raised {error!r}")
        told: dict[str, Any] = {"extensions": found} if found else {}
        if self._problems:
            told["notes"] = {**record.notes, **self._problems}
        return record.model_copy(update=told)

    def _complain(self, name: str, problem: str) -> None:
        _log.warning("plugin %s: %s %s", name, HOOK, problem)
        self._problems[f"{_NOTE}{name}"[:200]] = problem[:2_000]


def checked_extension(facts: object) -> dict[str, Any]:
    """Return what a plugin says of a run, held to what a record can hold.

    Raises:
        ValueError: It is no mapping of names to values of JSON, or too large; one line.
    """
    try:
        return _extension.validate_python(dict(facts) if isinstance(facts, Mapping) else facts, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(dict.fromkeys(str(part) for part in first["loc"] if str(part).isidentifier()))
        message = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"gave facts that no record holds: {f'{place}: ' if place else ''}{message}") from None


def problems(record: RunRecord) -> Iterator[str]:
    """Yield what plugins did that failed to extend a record, a line each."""
    for name, problem in record.notes.items():
        if name.startswith(_NOTE):
            yield f"plugin {name.removeprefix(_NOTE)}: {HOOK} {problem}"
