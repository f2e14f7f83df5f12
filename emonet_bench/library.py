"""The library: a matrix run from Python, in one call, with its results as a value; predictions of others scored alike.

>>> from emonet_bench import run_matrix
>>> results = run_matrix("matrix.toml", results="results", jobs=4)  # doctest: +SKIP
>>> results.table(metric="uar")[["corpus", "architecture", "score"]]  # doctest: +SKIP
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from emonet_bench.config import Training
from emonet_bench.data.opened_corpus import OpenCorpus, open_corpus
from emonet_bench.directories import cache_directory
from emonet_bench.matrix.events import Listener, Listeners
from emonet_bench.matrix.executors import PROCESSES
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.matrix.planning.overrides import Overrides
from emonet_bench.matrix.planning.plan import MatrixSource, PlannedMatrix, matrix_source, plan
from emonet_bench.matrix.planning.stale import with_stale
from emonet_bench.matrix.resources import choose_gpu
from emonet_bench.matrix.script import check_script
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.report.choice import wanted_metric
from emonet_bench.report.external.coverage import covered, listed, scored_clips, template
from emonet_bench.report.external.score import ExternalScore, as_predictions, compared, score_external
from emonet_bench.report.external.submission import find_challenge, submission
from emonet_bench.report.external.table import read_external
from emonet_bench.report.external.tuning import dev_clips, read_dev, tuned_predictions
from emonet_bench.report.results import Results, load_results, results_of
from emonet_bench.types import check_name

__all__ = [
    "ExternalScore",
    "Results",
    "challenge_submission",
    "challenge_template",
    "load_results",
    "prediction_template",
    "run_matrix",
    "score_predictions",
]


def run_matrix(
    matrix: Path | str | Mapping[str, Any] | Matrix,
    *,
    results: Path | str = "results",
    jobs: int | str = "auto",
    device: str = "auto",
    executor: str = PROCESSES,
    executor_options: Mapping[str, Any] = MappingProxyType({}),
    listeners: Iterable[Listener] = (),
    plugins: Selection | None = None,
    limit: int | None = None,
    shard: str | None = None,
    export: bool = False,
    card: bool = False,
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
        executor: Where cells run: ``processes``, or another that a plugin registers.
        executor_options: Its options, before what the matrix says of them in ``[executor.NAME]``.
        listeners: Who hears of the matrix while it runs, beside the lifecycle hooks of plugins.
        plugins: Which plugins to load; None: all that are installed.
        limit: Most clips of each partition: a smoke run.
        shard: One of several equal shares, as ``i/n``.
        export: Whether every cell is exported to ONNX and checked.
        card: Whether every cell is exported and measured, see ``emonet-bench card``; what cannot be is warned of.
        force: Whether everything is run again.
        retry_failed: Whether failed cells are run again.
        reuse: Whether results of the same recipes by other versions of the plugins are taken.
        skip_bad_files: Whether bad audio files are left out.

    Returns:
        The results of this matrix alone; cells that have failed or were skipped are among its records, with the reason.

    Raises:
        ConfigError: A name or an option is wrong.
        CorpusError: A corpus is not on this disk, or contradicts its description.
        AudioError: Files are broken; names the first of them.
        StoreError: The results directory cannot be written.
    """
    check_script(executor)
    source = _overridden(matrix_source(matrix), Overrides(limit=limit, device=choose_gpu(device)))
    chosen = export or card, force, retry_failed, reuse, skip_bad_files, executor_options, card
    work = RunOptions(Path(results), jobs, executor, *chosen)
    listening, loaded = tuple(listeners), Plugins(source.selection(plugins or Selection()))
    planned = plan(source, loaded, skip_bad=skip_bad_files, reading=Listeners(listening).reading)
    return _carried_out(with_stale(planned.share(shard), work), work, listening, loaded)


def _carried_out(planned: PlannedMatrix, work: RunOptions, listeners: Iterable[Listener], plugins: Plugins) -> Results:
    from emonet_bench.matrix.cards import write_cards  # noqa: PLC0415 - onnxruntime
    from emonet_bench.matrix.run_matrix import run_planned  # noqa: PLC0415 - torch

    outcome = run_planned(planned, work, listeners)
    for problem in write_cards(outcome.finished_cells if work.card else [], work.results, plugins, lambda *_: None):
        warnings.warn(problem, RuntimeWarning, stacklevel=3)
    return results_of(planned.cells, outcome, work.results)


def _overridden(source: MatrixSource, overrides: Overrides) -> MatrixSource:
    return replace(source, values=overrides.applied(source.values))


def score_predictions(
    file: Path | str,
    corpus: str,
    protocol: str | None = None,
    *,
    name: str = "predictions",
    fold: int | None = None,
    seed: int = 0,
    metric: str = "uar",
    against: Path | str | None = None,
    results: Path | str | None = None,
    plugins: Selection | None = None,
    skip_bad_files: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ExternalScore:
    """Score predictions that others made under one of a corpus's protocols; ``emonet-bench score`` does the same.

    Args:
        file: CSV or JSON lines: each clip that the protocol tests, once, with its label or the labels' probabilities;
            of other targets with probabilities (votes), scores (label sets) or values.
        corpus: Name of the corpus.
        protocol: Name of the protocol, with a label map where there is one (``speakers:4-class``); None: its default.
        name: What the predictions are called.
        fold: Only this fold was predicted; None: all of them.
        seed: Tells several sets of predictions of one name apart.
        metric: What they are compared by: a registered metric by its name. ``uar`` stands for the default of a target
            that is no label.
        against: A results directory with whose rows they are compared.
        results: A results directory where they are kept as a row that is marked as external.
        plugins: Which plugins to load; None: all that are installed.
        skip_bad_files: Whether bad audio files are left out.
        progress: Called with (clips done, clips in all) while audio is read for the first time.

    Raises:
        ConfigError: A name or an option is wrong.
        CorpusError: The corpus is not on this disk, or a row of the file is wrong; one line that names it.
        AudioError: Files of the corpus are broken; names the first of them.
        StoreError: There is nothing to compare with, or the row cannot be written.
    """
    check_name("predictions", name)  # they become part of their row's
    loaded = Plugins(plugins or Selection())
    chosen = wanted_metric(metric, loaded)
    opened = _open(loaded, corpus, protocol, progress, skip_bad=skip_bad_files)
    clips = scored_clips(opened, fold)
    where, others = f"{corpus} under {opened.protocol}", [clip.name for clip in opened.utterances]
    rows = covered(Path(file), read_external(Path(file), opened.target, clips=listed(clips)), clips, where, others)
    pooled = as_predictions(rows, clips, opened)
    dev = read_dev(Path(file), opened, fold, chosen) if _tunes(chosen, opened) else None
    tuned = tuned_predictions(rows, clips, dev, opened, chosen) if dev else None
    scored = score_external(name, pooled, opened, len(clips), loaded.metrics, chosen, tuned)
    if against is not None:
        scored = compared(scored, tuned or pooled, Path(against), chosen)
    if results is not None:
        from emonet_bench.report.external.run import keep_external  # noqa: PLC0415 - torch

        kept = keep_external(name, Path(file), rows, clips, opened, Path(results), seed, dev)
        scored = replace(scored, row=kept)
    return scored


def prediction_template(
    corpus: str,
    protocol: str | None = None,
    *,
    fold: int | None = None,
    metric: str = "uar",
    plugins: Selection | None = None,
    skip_bad_files: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Write the table that ``score_predictions`` reads, as CSV to fill in: clips and their files, no truth.

    Args:
        corpus: As in ``score_predictions``, like all others.
        protocol: Likewise.
        fold: Likewise.
        metric: Likewise; one that tunes on dev asks for predictions of dev, too.
        plugins: Likewise.
        skip_bad_files: Likewise.
        progress: Likewise.

    Raises:
        ConfigError: A name or an option is wrong.
        CorpusError: The corpus is not on this disk.
        AudioError: Files of the corpus are broken; names the first of them.
    """
    loaded = Plugins(plugins or Selection())
    chosen = wanted_metric(metric, loaded)
    opened = _open(loaded, corpus, protocol, progress, skip_bad=skip_bad_files)
    dev = dev_clips(opened, fold, chosen) if _tunes(chosen, opened) else None
    return template(scored_clips(opened, fold), opened.target, dev)


def _tunes(metric: MetricChoice, corpus: OpenCorpus) -> bool:
    return metric.metric.tuned is not None and metric.misfit(corpus.target.kind, corpus.target.names) is None


def challenge_template(corpus: str, challenge: str | None = None, *, plugins: Selection | None = None) -> str:
    """Write the table that ``challenge_submission`` reads, as CSV to fill in: the clips whose truth a challenge hides.

    Args:
        corpus: Name of the corpus.
        challenge: Name of one of its challenges; None: its only one.
        plugins: Which plugins to load; None: all that are installed.

    Raises:
        ConfigError: A name is wrong.
        CorpusError: The clips are not on this disk.
    """
    known = Plugins(plugins or Selection()).corpora[corpus]
    chosen = find_challenge(known, challenge)
    return template({None: chosen.load()}, known.target(chosen))


def challenge_submission(
    file: Path | str, corpus: str, challenge: str | None = None, *, plugins: Selection | None = None
) -> str:
    """Turn predictions of clips whose truth a challenge hides into the table that it takes.

    Args:
        file: CSV or JSON lines, as ``score_predictions`` reads them: each of these clips once.
        corpus: Name of the corpus.
        challenge: Name of one of its challenges; None: its only one.
        plugins: Which plugins to load; None: all that are installed.

    Returns:
        The table, as CSV.

    Raises:
        ConfigError: A name is wrong.
        CorpusError: The clips are not on this disk, or a row of the file is wrong; one line that names it.
    """
    known = Plugins(plugins or Selection()).corpora[corpus]
    chosen = find_challenge(known, challenge)
    target, clips = known.target(chosen), chosen.load()
    rows = covered(
        Path(file), read_external(Path(file), target, clips=clips), {None: clips}, f"{corpus} for {chosen.title}"
    )
    return submission(chosen, target, clips, rows[None])


def _open(
    plugins: Plugins,
    corpus: str,
    protocol: str | None,
    progress: Callable[[int, int], None] | None,
    *,
    skip_bad: bool,
) -> OpenCorpus:
    known = plugins.corpora[corpus]
    rate = Training().sampling_rate  # of the sample cache that runs share; no score depends on it
    return open_corpus(known, protocol, rate, cache_directory(), progress, skip_bad=skip_bad)
