"""Sources of runs, in words: what a network started from, or was taught by."""

from __future__ import annotations

from pathlib import Path

from emonet_bench.errors import StoreError
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.spec import RunSpec


class Sources:
    """Describes sources without their seed, so that seeds of one recipe meet: by corpora and strategy, else by hash.

    A source of another architecture, a teacher, is described by that, too.
    """

    def __init__(self) -> None:
        self._places: dict[Path, dict[str, Path]] = {}
        self._specs: dict[str, RunSpec | None] = {}

    def title(self, spec: RunSpec, results: Path) -> str | None:
        """Describe the source of a run; the source's own run may lie among the results."""
        if spec.source is None:
            return None
        if spec.source not in self._specs:
            self._specs[spec.source] = self._read(spec.source, results)
        source = self._specs[spec.source]
        if source is None:
            return spec.source[:8]
        other = "" if source.architecture == spec.architecture else f"{source.architecture} "
        return f"{other}{source.strategy} on {source.corpus}"

    def _read(self, source: str, results: Path) -> RunSpec | None:
        if results not in self._places:
            self._places[results] = {path.name.rpartition("-")[2]: path for path in results.iterdir()}
        try:
            return RunFiles(self._places[results][source[:8]]).read_record().spec
        except (StoreError, KeyError):
            return None
