"""Results of a matrix in Python: a pandas frame, the table that ``report`` renders, and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from emonet_bench.matrix.outcome import Outcome
from emonet_bench.report.choice import Wanted
from emonet_bench.report.notebook import Figure, score_figure
from emonet_bench.report.reading import CorpusResult, load, load_runs, skipped
from emonet_bench.report.rendering import flat_records
from emonet_bench.report.tables.table import BASELINE, Table, summarise
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.spec import Cell
from emonet_bench.runs.store import RunStore

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Results:
    """What is known of some runs.

    Attributes:
        directory: The results directory.
        records: What each run says of each corpus that it was trained for; failed and skipped ones say why.
        lost: What has failed without leaving a record, a line each: a worker's death, a source that was not wanted.
        exportable: Directories of the runs that ``export`` takes as they are.
    """

    directory: Path
    records: Sequence[CorpusResult]
    lost: Sequence[str] = ()
    exportable: Sequence[Path] = ()

    def summarise(self, metric: Wanted = "uar", baseline: str = BASELINE) -> Table:
        """Pool folds, average seeds and compare strategies with the baseline, as ``report`` does.

        Args:
            metric: What to score: a registered metric by its name, or a part of one, ``ccc:arousal``.
            baseline: The strategy that others of the same architecture are compared with; or a whole column, such as
                ``"cnn scratch"``, that all others are compared with.
        """
        return summarise(self.records, metric, baseline)

    @cached_property
    def summary(self) -> Table:
        """The table that ``report`` renders."""
        return self.summarise()

    def table(self, metric: Wanted = "uar", baseline: str = BASELINE) -> pd.DataFrame:
        """Return a frame with a row for each corpus, architecture and strategy, as ``report --format csv`` has them.

        Among its columns are ``corpus``, ``architecture``, ``strategy``, ``tag`` (what else tells them apart),
        ``score`` (the mean over seeds), ``deviation`` (over seeds), ``low`` and ``high`` (the 95 % interval),
        ``difference`` (the gain over the baseline), ``p``, ``trainable`` and ``seconds``. What was not computed is
        missing.

        Args:
            metric: What to score: a registered metric by its name, or a part of one, ``ccc:arousal``.
            baseline: The strategy that others of the same architecture are compared with; or a whole column, such as
                ``"cnn scratch"``, that all others are compared with.
        """
        import pandas as pd  # noqa: PLC0415 - slow

        return pd.DataFrame(list(flat_records(self.summarise(metric, baseline))))

    def extensions(self, plugin: str) -> pd.DataFrame:
        """Return a frame with a row for each run of which a plugin says something: the run, then the plugin's facts.

        Args:
            plugin: The plugin's name, such as ``energy``; see ``emonet_extend_record``.
        """
        import pandas as pd  # noqa: PLC0415 - slow

        named = ("run_id", "corpus", "architecture", "strategy", "seed", "fold")
        rows: dict[str, dict[str, Any]] = {}
        for run in self.records:
            if run.run_id in rows:  # a joint run has a record for each of its corpora
                rows[run.run_id]["corpus"] += f"+{run.corpus}"
            elif plugin in run.extensions:
                told = {name: getattr(run, name) for name in named}
                rows[run.run_id] = {**told, **run.extensions[plugin], **told}
        return pd.DataFrame(list(rows.values()), columns=None if rows else list(named))

    def figure(self, metric: Wanted = "uar", baseline: str = BASELINE) -> Figure:
        """Draw scores with their intervals, a row for each corpus, architecture and strategy; notebooks show it."""
        return score_figure(self.summarise(metric, baseline))


def load_results(path: Path | str) -> Results:
    """Read every run of a results directory, or a single run's directory.

    A run that cannot be read is warned about by name and left out.

    Raises:
        StoreError: There is no run.
    """
    return Results(Path(path), load(Path(path)))


def results_of(cells: Sequence[Cell], outcome: Outcome, directory: Path) -> Results:
    """Read the results of a matrix that has been run: its own cells alone, whatever else lies in the directory.

    Args:
        cells: The cells that were planned; those that a search has chosen join them.
        outcome: What has become of them.
        directory: The results directory.
    """
    store = RunStore(directory)
    cells = [*cells, *(cell for cell in outcome.cells if cell.spec.search)]
    paths = [path for cell in cells if cell.wanted and (path := store.path(cell.spec, cell.run_id)).is_dir()]
    records = load_runs(paths)
    records += [skipped(cell, reason) for cell, reason in outcome.skips if cell.wanted and not cell.spec.trial]
    lost = [
        f"failed: {cell.spec.title}: {reason}"
        for cell, reason in outcome.failures
        if store.path(cell.spec, cell.run_id) not in paths
    ]
    # Of a joint run, export would have to be told which of its corpora.
    single = [
        files.directory
        for files in map(RunFiles, paths)
        if files.checkpoint().is_file() and files.predictions().is_file()
    ]
    return Results(directory, records, lost, single)


def to_export(results: Results) -> Path | None:
    """Return the run to be exported first: of the first corpus, of the row that is best on dev; None: there is none.

    Dev scores are means over the row's seeds and folds; of equals the first row is taken.
    """
    known = {record.run_id[:8]: record for record in results.records}
    runs = [(path, record) for path in results.exportable if (record := known.get(path.name.rpartition("-")[2]))]
    rows: dict[str, list[tuple[float, Path]]] = {}
    for path, record in runs:
        if record.dev is not None and record.corpus == runs[0][1].corpus:
            row = f"{record.architecture} {record.strategy} {record.variant}"
            rows.setdefault(row, []).append((record.dev, path))
    if not rows:
        return next(iter(results.exportable), None)
    return max(rows.values(), key=lambda row: fmean(dev for dev, _ in row))[0][1]
