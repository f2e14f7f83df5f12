"""Zero-shot maps: networks on corpora that they were not trained on, apart from what is ranked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from emonet_bench.data.corpus_ref import CorpusRef
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.report.reading import CorpusResult
from emonet_bench.report.tables.cells import CellRuns, TableCell, pool_runs
from emonet_bench.report.tables.columns import columns_of
from emonet_bench.report.tables.identity import RowKey, distinguished, row_keys
from emonet_bench.report.tables.rows import Column, Row, describe, latest


@dataclass(frozen=True)
class ZeroShot:
    """One way to get a network, scored across corpora through one label map. Nothing in it is ranked.

    Attributes:
        column: Architecture, strategy and options that the networks were trained with.
        labels: Name of the label map.
        sources: What the networks were trained on: corpus and protocol.
        targets: What was scored; these rows have no cells.
        cells: By source and place of the target.
        groups: The runs behind the cells, by the same.
    """

    column: Column
    labels: str
    sources: tuple[str, ...]
    targets: tuple[Row, ...]
    cells: Mapping[tuple[str, int], TableCell]
    groups: Mapping[tuple[str, int], CellRuns]

    @property
    def title(self) -> str:
        """The networks and the label map in words."""
        return f"{self.column}, {self.labels}"

    def protocol(self, target: Row) -> str:
        """Name a target's protocol without the label map, which the title names."""
        return target.subtitle.replace(f":{self.labels}", "", 1)

    def lines(self) -> Iterator[tuple[str, list[TableCell | None]]]:
        """Yield each source with its cells in the order of the targets."""
        for source in self.sources:
            yield source, [self.cells.get((source, place)) for place in range(len(self.targets))]


def zero_shots(records: Sequence[CorpusResult], metric: MetricChoice) -> tuple[ZeroShot, ...]:
    """Put the runs that score a network on another corpus in maps; seeds are averaged.

    Args:
        records: Runs with ``trained_on``.
        metric: What to score.
    """
    target = row_keys(records)
    kept = latest(records, lambda record: (f"{record.trained_on} {record.corpus}", *target(record)[1:]))
    columns = columns_of(kept).by_run
    maps: dict[tuple[Column, str], list[CorpusResult]] = defaultdict(list)
    for record in kept:
        maps[columns[record.run_id], CorpusRef.of(record.corpus, record.protocol).label_map].append(record)
    return tuple(_map(*key, maps[key], target, metric) for key in sorted(maps))


def _map(
    column: Column,
    labels: str,
    records: Sequence[CorpusResult],
    target: Callable[[CorpusResult], RowKey],
    metric: MetricChoice,
) -> ZeroShot:
    keys = sorted({target(record) for record in records})
    found: dict[tuple[str, int], list[CorpusResult]] = defaultdict(list)
    for record in records:
        found[record.trained_on, keys.index(target(record))].append(record)
    groups = {place: pool_runs(runs, metric) for place, runs in sorted(found.items())}
    cells = {place: group.cell(_labels(group), {None}, metric) for place, group in groups.items()}
    rows = [_row([groups[place] for place in groups if place[1] == index]) for index in range(len(keys))]
    targets = distinguished(rows, keys)
    return ZeroShot(column, labels, tuple(sorted({source for source, _ in cells})), tuple(targets), cells, groups)


def _labels(group: CellRuns) -> Sequence[str]:
    return next((run.facts.labels for run in group.scored), ())


def _row(groups: Sequence[CellRuns]) -> Row:
    """Describe a target; networks of several sources are no columns of it."""
    return describe({Column(str(place), ""): group for place, group in enumerate(groups)}, {})
