"""Reading run directories back: what each run says of each corpus that it was trained for."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from emonet_bench.errors import StoreError
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.model_card.reading import read_card
from emonet_bench.model_card.record import ModelCard
from emonet_bench.report.predictions import Predictions
from emonet_bench.report.sources import Sources
from emonet_bench.report.variants import architecture_name, variant
from emonet_bench.runs import predictions
from emonet_bench.runs.facts import CorpusFacts, Exported, Parameters
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.search import Search, SearchFacts
from emonet_bench.runs.spec import Cell, Gives, RunSpec
from emonet_bench.runs.store import RunStore
from emonet_bench.runs.target_predictions import read_target_predictions
from emonet_bench.types import TargetKind

State = Literal["done", "failed", "skipped"]


class NoDevError(StoreError):
    """A metric tunes on dev, and predictions that were made elsewhere are of test alone."""


@dataclass(frozen=True)
class CorpusResult:
    """What one run says of one corpus; a run on several corpora gives a result for each.

    Attributes:
        corpus: Name of the corpus.
        protocol: Name of its protocol.
        architecture: Name of the architecture.
        strategy: Name of the strategy.
        variant: All options, as ``architecture.NAME``, ``strategy.NAME`` and ``training.NAME``, and ``source``.
        seed: Its seed.
        fold: Its fold, or None.
        run_id: Identity of the run.
        state: What became of it.
        reason: Why there is no score, where there is none.
        source: Run id of its source, or None.
        joint: Whether the run was trained on several corpora.
        facts: What the record says of the corpus; nothing where the run failed early.
        scores: ``uar``, ``accuracy`` and ``macro_f1`` on this run's test partition: those of a single fold.
        dev: What selects on dev, on this run's dev partition; None where it is not known.
        parameters: Of the network.
        seconds: Seconds of training.
        parity: Largest difference of the exported model's logits, where the run was exported.
        drift: Difference of its UAR on test through onnxruntime, likewise.
        card: The measured card of the exported model, where there is one.
        not_exported: Why there is no exported model, where one was asked for.
        predictions: Where ``predictions.csv`` lies.
        finished: When, in UTC.
        halved: What was done where a batch did not fit into memory at once.
        not_alone: Which clip is predicted otherwise alone than beside others.
        trained_on: Corpus and protocol that the network was trained on, where it is scored on another one; else empty.
        teacher: Architecture and strategy of the run that taught it, where one did; else empty.
        trained_inside: Which part of a pre-trained network was trained, where one was; else empty.
        external: What predictions hold that were made elsewhere; else None.
        search: The search that chose its options, or None; ``variant`` is without those.
        found: What came of that search.
        extensions: What plugins say of the run, each under its own name.
    """

    corpus: str
    protocol: str
    architecture: str
    strategy: str
    variant: Mapping[str, Any]
    seed: int
    fold: int | None
    run_id: str
    state: State
    reason: str
    source: str | None
    joint: bool
    facts: CorpusFacts = field(default_factory=CorpusFacts)
    scores: Mapping[str, float] = field(default_factory=dict)
    dev: float | None = None
    parameters: Parameters | None = None
    seconds: float | None = None
    parity: float | None = None
    drift: float | None = None
    card: ModelCard | None = None
    not_exported: str = ""
    predictions: Path = field(default_factory=Path)
    finished: str = ""
    halved: str = ""
    not_alone: str = ""
    trained_on: str = ""
    teacher: str = ""
    trained_inside: str = ""
    external: Gives | None = None
    search: Search | None = None
    found: SearchFacts | None = None
    extensions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def kind(self) -> TargetKind:
        """The kind of target that was predicted."""
        return self.facts.target.kind if self.facts.target else "label"

    @property
    def title(self) -> str:
        """The cell in words."""
        fold = "" if self.fold is None else f" f{self.fold}"
        way = f"{self.architecture} {self.strategy} s{self.seed}{fold}"
        return f"{self.trained_on} {way} on {self.corpus}" if self.trained_on else f"{self.corpus} {way}"


def load(results: Path) -> list[CorpusResult]:
    """Read every run of a results directory (or a single run's directory), in the order of their names.

    A run that cannot be read is warned about by name and left out; trials of a search are none of the results.

    Raises:
        StoreError: There is no run.
    """
    if RunFiles(results).is_run():
        return load_runs([results])
    if not os.path.isdir(results):  # noqa: PTH112 - no error where the name is too long
        raise StoreError(f"{results}: no such directory; name the --results of a 'run matrix'")
    store = RunStore(results)
    found = load_runs(store.directories())
    if not found and (begun := len(list(store.unfinished()))):
        raise StoreError(
            f"{results}: no run has finished yet, {begun} have begun; 'emonet-bench status {results}' shows them, the "
            "same 'run matrix' goes on with those that were interrupted"
        )
    if not found:
        raise StoreError(f"{results}: no run that can be read; start one with 'run matrix --results {results}'")
    return found


def load_runs(paths: Iterable[Path]) -> list[CorpusResult]:
    """Read the given runs' directories; one that cannot be read is warned about by name and left out."""
    sources = Sources()
    found: list[CorpusResult] = []
    for path in paths:
        try:
            found += _results(path, RunFiles(path).read_record(), sources)
        except StoreError as error:
            warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=2)
    return found


def skipped(cell: Cell, reason: str) -> CorpusResult:
    """Describe a cell that was not run, so that a table shows it."""
    spec = cell.spec
    ref = spec.scored_corpora()[0]
    source = spec.source and spec.source[:8]
    return _result(spec, cell.run_id, ref.name, ref.division, source, "skipped", " ".join(reason.split()))


def read_predictions(result: CorpusResult, *, numbers: bool = False, metric: MetricChoice | None = None) -> Predictions:
    """Read the test partition of a run's predictions.

    Args:
        result: The run on a corpus.
        numbers: Whether to read the probability of each label, too.
        metric: What will score them; one that tunes something on dev has done so then.

    Raises:
        StoreError: The file is missing or is no such table.
        NoDevError: The metric tunes on dev, and these predictions are of test alone.
    """
    try:
        if result.facts.target is not None:
            return _target_predictions(result, metric)
        table = predictions.read_predictions(result.predictions, result.facts.labels).part("test")
        truth, prediction = table.truth, table.prediction
        found = Predictions(table.utterances, table.speakers, truth, prediction, table.confidence())
        if numbers:
            order = [table.labels.index(label) for label in result.facts.labels]
            found = replace(found, numbers=[[row[place] for place in order] for row in table.probabilities()])
    except NoDevError:
        raise
    except StoreError as error:
        raise StoreError(f"{error}; run {result.title} again") from error
    if not truth:
        raise StoreError(f"{result.predictions}: no test prediction; run {result.title} again")
    return found


def _target_predictions(result: CorpusResult, metric: MetricChoice | None) -> Predictions:
    """Read the test partition of predictions of a target that is no label."""
    table = read_target_predictions(result.predictions, result.kind, result.facts.labels)
    rows = table.part("test")
    if not rows.utterances:
        raise StoreError(f"{result.predictions}: no test prediction")
    found = Predictions(list(rows.utterances), list(rows.speakers), [], [], [], list(rows.predicted), list(rows.truth))
    if metric is None or metric.metric.tuned is None or metric.misfit(result.kind, result.facts.labels):
        return found
    dev = table.part("dev")
    if not dev.utterances:
        raise NoDevError(f"{result.title}: {metric} tunes on dev, and there are predictions of test alone")
    return found.tuned(metric, dev.truth, dev.predicted)


def _results(path: Path, record: RunRecord, sources: Sources) -> Iterator[CorpusResult]:
    spec, files = record.spec, RunFiles(path)
    if spec.trial:
        return
    source = None if spec.evaluate else sources.title(spec, path.parent)
    for ref in spec.scored_corpora():
        corpus = ref.name
        result = replace(
            _result(spec, record.run_id, corpus, ref.division, source, "failed" if record.error else "done"),
            facts=record.facts(corpus),
            finished=record.finished,
            extensions=record.extensions,
        )
        if record.error is not None:
            reason = f"{record.error.type}: {' '.join(record.error.message.split())}"
            yield replace(result, reason=reason)
            continue
        exported, parts = record.exported(corpus) or Exported(), record.scored(corpus)
        scores = parts["test"][0]
        yield replace(
            result,
            scores=scores.by_metric,
            dev=parts["dev"][0].headline[1] if "dev" in parts else None,
            parameters=record.parameters,
            seconds=record.seconds.get("train"),
            parity=exported.max_delta,
            card=_card(files.card(corpus if record.joint else None)),
            drift=None if exported.uar is None or scores.uar is None else abs(exported.uar - scores.uar),
            not_exported=exported.error or "",
            predictions=files.predictions(corpus if record.joint else None),
            halved=record.notes.get("halved_batch", ""),
            not_alone=record.notes.get("not_alone", ""),
            found=record.search,
            teacher=record.notes.get("teacher", ""),
            trained_inside=record.notes.get("trained_inside", ""),
        )


def _card(path: Path) -> ModelCard | None:
    """Read a measured card where there is one; a damaged one is warned about."""
    if not path.is_file():
        return None
    try:
        return read_card(path)
    except StoreError as error:
        warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=2)
        return None


def _result(
    spec: RunSpec, run_id: str, corpus: str, protocol: str, source: str | None, state: State, reason: str = ""
) -> CorpusResult:
    return CorpusResult(
        corpus=corpus,
        protocol=protocol,
        architecture=architecture_name(spec),
        strategy=spec.strategy,
        variant=variant(spec, source),
        seed=spec.seed,
        fold=None if spec.evaluate else spec.fold,
        run_id=run_id,
        state=state,
        reason=reason,
        source=spec.source,
        joint=len(spec.scored_corpora()) > 1,
        trained_on=f"{spec.corpus} {spec.protocol}" if spec.evaluate else "",
        external=spec.external.gives if spec.external else None,
        search=spec.search,
    )
