"""Run options: where a matrix is run, how many cells at once, and what is done with results on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emonet_bench.matrix.executors import PROCESSES

if TYPE_CHECKING:
    from emonet_bench.runs.record import RunRecord


@dataclass(frozen=True)
class RunOptions:
    """How a planned matrix is run. None of this is part of a run's identity.

    Attributes:
        results: The results directory.
        jobs: Cells at once: a number, or ``auto``.
        executor: Where cells run: ``processes``, or another that is registered.
        export: Whether every cell is exported to ONNX and checked.
        force: Whether everything is run again.
        retry_failed: Whether failed cells are run again.
        reuse: Whether results of the same recipes by other code are taken.
        skip_bad_files: Whether bad audio files are left out.
        executor_options: Options of the executor, before what the matrix says of them.
        card: Whether exported models are measured afterwards, see ``matrix.cards``.
    """

    results: Path = Path("results")
    jobs: int | str = "auto"
    executor: str = PROCESSES
    export: bool = False
    force: bool = False
    retry_failed: bool = False
    reuse: bool = False
    skip_bad_files: bool = False
    executor_options: Mapping[str, Any] = field(default_factory=dict)
    card: bool = False

    def again(self, record: RunRecord | None) -> bool:
        """Tell whether a result that is on disk is to be made again.

        Args:
            record: Its record; None: it cannot be read.
        """
        return self.force or (self.retry_failed and (record is None or record.failed))
