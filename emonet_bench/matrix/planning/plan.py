"""Planning: from a matrix file, or what says the same, to cells with their cost. No torch without a GPU."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emonet_bench import audit
from emonet_bench.config import parse, read_toml
from emonet_bench.data import label_maps
from emonet_bench.data.corpus_entry import CorpusEntry
from emonet_bench.data.opened_corpus import OpenCorpus, open_corpus
from emonet_bench.directories import cache_directory
from emonet_bench.errors import ConfigError
from emonet_bench.files import expanded
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.matrix.planning.planner import Planner
from emonet_bench.matrix.planning.shards import shard
from emonet_bench.matrix.resources import resolve
from emonet_bench.matrix.search.planning import plan_studies
from emonet_bench.matrix.search.study import Study
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.spec import Cell

if TYPE_CHECKING:
    from emonet_bench.matrix.planning.stale import StaleRun

_MOST_SHARES = 1_000_000


@dataclass(frozen=True)
class MatrixSource:
    """A matrix before it is validated.

    Attributes:
        values: What a matrix file would say.
        where: Where that is said, for messages.
        base: The directory that paths in it are relative to.
    """

    values: Mapping[str, Any]
    where: str
    base: Path

    @property
    def places(self) -> dict[str, Path]:
        """Where the matrix says that corpora lie which it does not describe by a card."""
        entries = self.values.get("corpora")
        return {
            name: self.base / expanded(Path(entry["path"]), f"{self.where}: corpora.{name}.path")
            for name, entry in (entries.items() if isinstance(entries, Mapping) else ())
            if isinstance(entry, Mapping) and isinstance(entry.get("path"), str) and "card" not in entry
        }

    def selection(self, given: Selection) -> Selection:
        """Return a selection of plugins that knows these places, and means the same in any working directory."""
        return replace(
            given,
            files=tuple(file.absolute() for file in given.files),
            corpora_dir=given.corpora_dir and given.corpora_dir.absolute(),
            places={**given.places, **self.places},
        )


def matrix_source(matrix: Path | str | Mapping[str, Any] | Matrix) -> MatrixSource:
    """Take a matrix in any of its forms: a file's path, what such a file says, or a ``Matrix``.

    Raises:
        ConfigError: The file is missing, unreadable or not TOML.
    """
    if isinstance(matrix, Matrix):
        return MatrixSource(matrix.model_dump(exclude_unset=True), "the matrix", Path.cwd())
    if isinstance(matrix, Mapping):
        return MatrixSource(matrix, "the matrix", Path.cwd())
    return MatrixSource(read_toml(Path(matrix)), str(matrix), Path(matrix).absolute().parent)


@dataclass(frozen=True)
class PlannedMatrix:
    """A planned matrix and the plugins it was planned with.

    Attributes:
        cells: All cells.
        plugins: The plugins.
        clips: Clips that each cell hears in an epoch, by run id.
        utterances: Clips of each corpus, whatever their partition.
        stale: Runs on disk of the same recipes by other code, by the run id of the cell; see ``matrix.stale``.
        reused: Whether these stand in the place of their cells.
        studies: Of the rows that are tuned, whose cells are not known before others have ended.
        heard: Counts the clips that such a cell hears in an epoch.
        executors: Options of executors, by name.
    """

    cells: Sequence[Cell]
    plugins: Plugins
    clips: Mapping[str, int]
    utterances: Mapping[str, int] = field(default_factory=dict)
    stale: Mapping[str, StaleRun] = field(default_factory=dict)
    reused: bool = False
    studies: Sequence[Study] = ()
    heard: Callable[[Cell], int] = lambda _: 0
    executors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def cost(self, cell: Cell) -> float:
        """Estimate how long a cell takes, to order and divide the work: clips heard in all epochs."""
        clips = self.clips[cell.run_id] if cell.run_id in self.clips else self.heard(cell)
        return float(clips * cell.spec.training.epochs)

    @property
    def samples(self) -> Sequence[Cell]:
        """All cells, and for each study those of a trial without searched options: what has to be run is like them."""
        return [*self.cells, *(cell for study in self.studies for cell in study.sample.cells)]

    def share(self, text: str | None) -> PlannedMatrix:
        """Keep one share of the matrix, given as ``i/n``; None keeps all.

        Raises:
            ConfigError: It is not of that form.
        """
        if text is None:
            return self
        number, count = _shares(text)
        cells = shard(self.cells, number, count, self.cost)
        return replace(self, cells=cells, studies=self.studies[number - 1 :: count])


def plan(
    source: MatrixSource,
    plugins: Plugins,
    *,
    threads: int | None = None,
    skip_bad: bool = False,
    reading: Callable[[str, int, int], None] = lambda *_: None,
) -> PlannedMatrix:
    """Validate a matrix and expand it; opens (on the first time: builds) the corpora's audio stores.

    Args:
        source: The matrix.
        plugins: Where names are registered; corpora that the matrix describes join them.
        threads: Files read at once while a store is built; None: one for each core.
        skip_bad: Whether bad audio files are left out.
        reading: Called with a corpus's name, clips done and clips in all while a store is built.

    Raises:
        ConfigError: A name or an option is wrong.
        CorpusError: A protocol leaks, and the plugins are loaded strictly.
    """
    matrix = parse(Matrix, source.values, source.where)
    own = [entry.corpus(name, source.base) for name, entry in matrix.entries.items()]
    plugins.add_corpora(filter(None, own))

    @cache
    def opened(name: str, sampling_rate: int, label_map: str | None = None) -> OpenCorpus:
        entry = matrix.entries.get(name) or CorpusEntry()
        division = label_maps.protocol_name(entry.protocol, label_map) if label_map else entry.division
        corpus = open_corpus(
            plugins.corpora[name],
            division,
            sampling_rate,
            cache_directory(),
            lambda done, total: reading(name, done, total),
            threads=threads,
            skip_bad=skip_bad,
        )
        if plugins.selection.strict:
            audit.refuse_leaks(corpus.corpus.name, corpus.protocol, audit.quick(corpus))
        if not corpus.coverage.complete:
            warnings.warn(
                f"{name}: {corpus.coverage}; 'emonet-bench corpora audit {name}' tells more",
                RuntimeWarning,
                stacklevel=2,
            )
        return corpus

    @cache
    def train_clips(name: str, sampling_rate: int, fold: int | None, limit: int | None) -> int:
        corpus = opened(name, sampling_rate)
        return len(corpus.divide(corpus.fold_or_first(fold), limit)["train"])

    heard = partial(_clips_heard, train_clips=train_clips)
    planner = Planner(matrix, plugins, opened, resolve)
    cells, studies = planner.cells(), plan_studies(planner)
    utterances = _utterances(cells, studies, opened)
    clips = {cell.run_id: heard(cell) for cell in cells}
    return PlannedMatrix(cells, plugins, clips, utterances, studies=studies, heard=heard, executors=matrix.executor)


def _utterances(
    cells: Sequence[Cell], studies: Sequence[Study], opened: Callable[[str, int], OpenCorpus]
) -> dict[str, int]:
    """Count the clips of each corpus that cells and trials are trained on."""
    specs = [cell.spec for cell in (*cells, *(cell for study in studies for cell in study.sample.cells))]
    rates = {ref.name: spec.training.sampling_rate for spec in specs for ref in spec.trained_corpora()}
    return {name: len(opened(name, rate).utterances) for name, rate in rates.items()}


def _clips_heard(cell: Cell, train_clips: Callable[[str, int, int | None, int | None], int]) -> int:
    """Count the clips that a cell hears in an epoch; one that only scores a network hears none."""
    spec, training = cell.spec, cell.spec.training
    if spec.evaluate is not None:
        return 0
    names = [ref.name for ref in spec.trained_corpora()]
    largest = max(train_clips(name, training.sampling_rate, spec.fold, training.limit) for name in names)
    # Corpora take turns, so that each of them gives as many batches as the largest; unlabelled ones as many as one.
    return (len(names) + bool(spec.unlabelled)) * (
        training.steps_per_epoch * training.batch_size if training.steps_per_epoch else largest
    )


def _shares(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if (
        number.isdecimal()
        and count.isdecimal()
        and max(len(number), len(count)) < len(str(_MOST_SHARES))
        and 1 <= int(number) <= int(count)
    ):
        return int(number), int(count)
    shown = text if len(text) < 40 else f"{text[:40]}..."  # noqa: PLR2004
    raise ConfigError(f"--shard {shown}: write it as i/n with i from 1 to n, such as 1/4; n is below {_MOST_SHARES}")
