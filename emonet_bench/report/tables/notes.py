"""Notes below a table: how to read it, what was compared, what failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from emonet_bench.escaping import shell_word
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.report.tables.cells import CellRuns, TableCell

if TYPE_CHECKING:
    from emonet_bench.report.tables.rows import Column, Row
    from emonet_bench.report.tables.zero_shot import ZeroShot

_HEARD = "heard in training, by way of its source or of another corpus, so its score is too good; not ranked"
ALMOST = 0.5
"""Below this bound on its violations an order over seeds holds almost (Dror et al. 2019)."""


def notes(rows: Sequence[Row], metric: MetricChoice, baseline: str, older: int, sources: int) -> Iterator[str]:
    """Say what a reader of the rows must know, a line each.

    Args:
        rows: All rows.
        metric: What is scored.
        baseline: Strategy, or column, that the others are compared with.
        older: How many runs were superseded.
        sources: How many joint runs only served as sources.
    """
    cells = [(column, cell) for row in rows for column, cell in row.cells.items()]
    yield from _intervals(cells, metric)
    if any(cell.state == "done" and not cell.complete for _, cell in cells):
        yield "~ incomplete: a fold or seed is missing, so the cell is not ranked."
    if external := sorted({str(column) for column, cell in cells if cell.external}):
        yield f"External, made elsewhere and scored here; nobody can train them again: {', '.join(external)}."
    yield from _shared(rows)
    yield from _apart(rows)
    yield from _transductive(rows)
    for column, teacher in sorted({(column, cell.teacher) for column, cell in cells if cell.teacher}):
        yield f"{column}: taught by {teacher}."
    yield from _outcomes(cells, metric, baseline)
    yield from _audits(rows)
    parities = [cell.parity for _, cell in cells if cell.parity is not None]
    if parities:
        drifts = [cell.drift for _, cell in cells if cell.drift is not None]
        told = f", UAR on test through onnxruntime within {max(drifts):.3f}" if drifts else ""
        yield f"ONNX: logits of the exported models agree with the trained networks' within {max(parities):.0e}{told}."
    if carded := [(column, cell) for column, cell in cells if cell.robustness]:
        grades = ", ".join(f"{column} {cell.robustness}" for column, cell in carded)
        yield f"Robustness of the exported models, the worst grade of each: {grades}; card.html in a run says why."
    if older:
        yield f"{older} older run{'s of the same cells are' if older > 1 else ' of the same cell is'} left out."
    if sources:
        told = "runs that only served as sources are" if sources > 1 else "run that only served as a source is"
        yield f"{sources} joint {told} left out."


def _intervals(cells: Sequence[tuple[Column, TableCell]], metric: MetricChoice) -> Iterator[str]:
    intervals = [cell.interval for _, cell in cells if cell.interval]
    less = "" if metric.metric.higher_is_better else ", less is better"
    if intervals:
        units = " or ".join(sorted({interval.unit for interval in intervals}, reverse=True))
        yield f"{metric.title} on test {_seeds(cells)}{less}; 95 % bootstrap interval over {units}."
    elif any(cell.seeds for _, cell in cells):
        yield f"{metric.title} on test {_seeds(cells)}{less}; no intervals or tests: resampling would shift it."
    few = min((interval.units for interval in intervals if interval.unit == "speakers"), default=99)
    if few < 5:  # noqa: PLR2004
        yield f"An interval from few speakers ({few} at the least) says little: it holds for these speakers only."
    if "clips" in {interval.unit for interval in intervals}:
        yield "Over clips: speakers are unknown or a single one, so such an interval is too narrow."


def _shared(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for column, cell in row.cells.items():
            if cell.shared_clips:
                yield f"‡ {column} on {row.corpus}: {cell.shared_clips} of {row.clips} test clips were {_HEARD}."


def _apart(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.distinction:
            others = "runs on other audio, labels or partitions stand apart from these"
            yield f"{row.corpus}, {row.subtitle}: {others}, neither averaged nor compared."


def _transductive(rows: Sequence[Row]) -> Iterator[str]:
    if names := sorted({f"{row.corpus}, {row.protocol}" for row in rows if row.transductive}):
        yield (
            f"Transductive: {'; '.join(names)}: features are standardised over all clips of a speaker, unlabelled test "
            "audio included; a protocol of its own, not ranked with others."
        )


def _seeds(cells: Sequence[tuple[Column, TableCell]]) -> str:
    counts = sorted({cell.seeds for _, cell in cells if cell.seeds})
    if counts == [1]:
        return "of a single seed"
    return f"as mean ± standard deviation over {' to '.join(map(str, counts[:1] + counts[1:][-1:]))} seeds"


def _outcomes(cells: Sequence[tuple[Column, TableCell]], metric: MetricChoice, baseline: str) -> Iterator[str]:
    # Compared with a strategy, all architectures' cells of another are counted together; with a column, each column's.
    whole = any(str(column) == baseline for column, _ in cells)
    compared: dict[str, list[TableCell]] = defaultdict(list)
    for column, cell in cells:
        if cell.against:
            compared[str(column) if whole else column.strategy].append(cell)
    for name, own in sorted(compared.items()):
        signs = [
            cell.significant and (1 if metric.rank(cell.against.difference) > 0 else -1) for cell in own if cell.against
        ]
        wins, losses = signs.count(1), signs.count(-1)
        yield f"{name} against {baseline}: {wins} better, {losses} worse, {len(signs) - wins - losses} undecided."
    tested = [cell for own in compared.values() for cell in own]
    units = sorted({cell.against.unit for cell in tested if cell.against and cell.significant}, reverse=True)
    if units:
        how = f"paired bootstrap over {' or '.join(units)}, Holm"
        yield f"* differs from {baseline}{'' if whole else ' of the same architecture'}: p < .05, {how}."
    for name, own in sorted(compared.items()):
        orders = [cell.order for cell in own if cell.order is not None]
        if orders:
            above = sum(order < ALMOST for order in orders)
            yield f"{name} over seeds: almost stochastically above {baseline} in {above} of {len(orders)} cells."


def _audits(rows: Sequence[Row]) -> Iterator[str]:
    for corpus in sorted({row.corpus for row in rows if row.audit == "leaking"}):
        command = f"emonet-bench corpora audit {shell_word(corpus)}"
        yield f"{corpus}: partitions leak, so scores are too good; '{command}' tells more."
    for corpus, count in sorted({(row.corpus, row.skipped_files) for row in rows if row.skipped_files}):
        yield f"{corpus}: {count} broken file{'s were' if count > 1 else ' was'} left out."


def across_notes(maps: Sequence[ZeroShot]) -> Iterator[str]:
    """Say what a reader of zero-shot maps must know, a line each."""
    if maps:
        yield "Zero-shot: trained on one corpus, scored on the test clips of another through a label map; not ranked."
    shared: dict[tuple[str, str], int] = {}
    for one in maps:
        for (source, place), group in one.groups.items():
            count = max((run.facts.shared_clips for run in group.runs), default=0)
            if count:
                key = source, one.targets[place].corpus
                shared[key] = max(count, shared.get(key, 0))
    for (source, target), count in sorted(shared.items()):
        yield f"Zero-shot from {source} to {target}: {count} of the clips were trained on, so scores are too good."


def problems(groups: Iterable[CellRuns]) -> Iterator[str]:
    """Say which runs failed, were skipped, halved batches, mix clips or could not be exported, and why, a line each."""
    for group in groups:
        yield from (f"failed: {problem}" for problem in group.problems)
        yield from (f"skipped: {untold}" for untold in group.untold)
        yield from _skipped(group)
        yield from (f"† halved batch: {run.title}: {run.halved}" for run in group.runs if run.halved)
        yield from (f"not to be relied on: {run.title}: {run.not_alone}" for run in group.runs if run.not_alone)
        yield from (f"not exported: {run.title}: {run.not_exported}" for run in group.runs if run.not_exported)


def _skipped(group: CellRuns) -> Iterator[str]:
    """Say why runs were skipped: once for all folds and seeds of a cell that have the same reason."""
    titles: dict[str, list[str]] = defaultdict(list)
    for run in group.runs:
        if run.state == "skipped":
            titles[run.reason].append(run.title)
    for reason, (first, *others) in titles.items():
        yield f"skipped: {first}{f' and {len(others)} more' if others else ''}: {reason}"
