"""The job: a cell, and all that a worker needs to run it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emonet_bench.plugins.loading import Selection
from emonet_bench.runs.spec import Cell
from emonet_bench.types import Corpus


@dataclass(frozen=True)
class Job:
    """What a worker needs to run a cell; picklable.

    Attributes:
        cell: The cell.
        selection: Which plugins to load.
        results: The results directory.
        source: Where the source's weights lie, or None.
        export: Whether to write and check the ONNX model, too.
        again: Whether a result that is already there is replaced.
        corpora: Corpora that no plugin registers.
        skip_bad_files: Whether bad audio files are left out.
        trained: The run of the trial whose weights the cell takes over, or None: it is trained.
    """

    cell: Cell
    selection: Selection
    results: Path
    source: Path | None = None
    export: bool = False
    again: bool = False
    corpora: tuple[Corpus, ...] = ()
    skip_bad_files: bool = False
    trained: Path | None = None
