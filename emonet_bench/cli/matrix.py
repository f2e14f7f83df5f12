"""Output of ``run matrix``: what is printed before, while and after the matrix runs."""

from __future__ import annotations

from rich.console import Console

from emonet_bench import report
from emonet_bench.cli.live import LiveView
from emonet_bench.escaping import shell_word
from emonet_bench.matrix.events import Listener
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.outcome import Outcome
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.matrix.planning.stale import with_stale
from emonet_bench.matrix.progress import ProgressLines
from emonet_bench.matrix.run_matrix import run_planned
from emonet_bench.report.results import Results, results_of, to_export


def work(planned: PlannedMatrix, options: RunOptions, console: Console) -> Outcome:
    """Run what is left to do, print the table and the next commands.

    Returns:
        What has become of the cells.
    """
    planned = with_stale(planned, options)
    lines = ProgressLines(lambda line: console.print(line, markup=False, soft_wrap=True))
    listener: Listener = LiveView(console) if console.is_terminal else lines
    outcome = run_planned(planned, options, [listener])
    if options.card:
        _measure(planned, options, outcome, console)
    _conclude(outcome, results_of(planned.cells, outcome, options.results), console)
    return outcome


def _measure(planned: PlannedMatrix, options: RunOptions, outcome: Outcome, console: Console) -> None:
    from emonet_bench.cli.reading import Bars  # noqa: PLC0415 - rarely needed
    from emonet_bench.console.terminal import Terminal  # noqa: PLC0415
    from emonet_bench.matrix.cards import write_cards  # noqa: PLC0415

    with Bars(Terminal(stderr=True)) as watch:
        problems = write_cards(outcome.finished_cells, options.results, planned.plugins, watch)
    for problem in problems:
        console.print(problem, markup=False, soft_wrap=True)


def _conclude(outcome: Outcome, results: Results, console: Console) -> None:
    table = results.summary
    console.print(report.render_rich(table))
    for problem in (*table.problems, *results.lost):
        console.print(problem, markup=False, soft_wrap=True)
    counts = ", ".join(f"{count} {state}" for state, count in outcome.counts.items() if count)
    console.print(f"\n{counts or 'no cells'}. Results: {results.directory}/", markup=False, soft_wrap=True)
    if (run := to_export(results)) is not None:
        console.print(f"Next: emonet-bench export {shell_word(run)} -o model.onnx", markup=False, soft_wrap=True)
