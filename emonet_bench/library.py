"""The library: a matrix run from Python, in one call, with its results as a value.

>>> from emonet_bench import run_matrix
>>> results = run_matrix("matrix.toml", results="results", jobs=4)  # doctest: +SKIP
>>> results.table(metric="uar")[["corpus", "architecture", "score"]]  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from emonet_bench.matrix.events import Listener, Listeners
from emonet_bench.matrix.executors import PROCESSES
from emonet_bench.matrix.file import Matrix
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.overrides import Overrides
from emonet_bench.matrix.planning import matrix_source, plan
from emonet_bench.matrix.resources import choose_gpu
from emonet_bench.matrix.stale import with_stale
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.report.results import Results, load_results, results_of

__all__ = ["Results", "load_results", "run_matrix"]


def run_matrix(
    matrix: Path | str | Mapping[str, Any] | Matrix,
    *,
    results: Path | str = "results",
    jobs: int | str = "auto",
    device: str = "auto",
    executor: str = PROCESSES,
    listeners: Iterable[Listener] = (),
    plugins: Selection | None = None,
    limit: int | None = None,
    shard: str | None = None,
    export: bool = False,
    force: bool = False,
    retry_failed: bool = False,
    reuse: bool = False,
    skip_bad_files: bool = False,
) -> Results:
    """Train and score every cell of a matrix that is not on disk yet; ``emonet-bench run matrix`` does the same.

    Cells run in processes that are started afresh. A script that calls this needs the usual guard
    ``if __name__ == "__main__":``; a notebook needs nothing.

    Args:
        matrix: A matrix file's path, what such a file says as a mapping (paths in it are relative to the working
            directory), or a ``Matrix``.
        results: The results directory; what is there already is not run again.
        jobs: Cells at once: a number, or ``auto``.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; other than ``auto`` it goes before what the matrix says.
        executor: Where cells run: ``processes``, or one that a plugin offers.
        listeners: Who hears of the matrix while it runs, beside the lifecycle hooks of plugins.
        plugins: Which plugins to load; None: all that are installed.
        limit: Most clips of each partition: a smoke run.
        shard: One of several equal shares, as ``i/n``.
        export: Whether every cell is exported to ONNX and checked.
        force: Whether everything is run again.
        retry_failed: Whether failed cells are run again.
        reuse: Whether results of the same recipes by other versions of the plugins are taken.
        skip_bad_files: Whether bad audio files are left out.

    Returns:
        The results of this matrix alone; cells that have failed or were skipped are among its records, with the reason.

    Raises:
        ConfigError: A name or an option is wrong.
        CorpusError: A corpus is not on this disk, or contradicts its description.
        AudioError: Files are broken; lists them all.
        StoreError: The results directory cannot be written.
    """
    from emonet_bench.matrix.run_matrix import run_planned  # noqa: PLC0415 - torch

    given = matrix_source(matrix)
    overrides = Overrides(limit=limit, device=choose_gpu(device))
    source = replace(given, values=overrides.applied(given.values))
    options = RunOptions(Path(results), jobs, executor, export, force, retry_failed, reuse, skip_bad_files)
    listening = tuple(listeners)
    loaded = Plugins(source.selection(plugins or Selection()))
    planned = plan(source, loaded, skip_bad=skip_bad_files, reading=Listeners(listening).reading)
    planned = with_stale(planned.share(shard), options)
    outcome = run_planned(planned, options, listening)
    return results_of(planned.cells, outcome, options.results)
