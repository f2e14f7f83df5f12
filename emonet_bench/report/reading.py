"""Reading run directories back: what each run says of each corpus that it was trained for."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

from emonet_bench.errors import StoreError
from emonet_bench.runs.spec import SCHEMA_VERSION, Cell, scored_corpora
from emonet_bench.runs.store import read_record

State = Literal["done", "failed", "skipped"]

_FACTS = (
    "labels",
    "protocol_id",
    "synthetic",
    "licence",
    "fingerprint",
    "partitions",
    "audit",
    "skipped_files",
    "shared_clips",
)


@dataclass(frozen=True)
class CorpusResult:
    """What one run says of one corpus; a run on several corpora gives a record for each.

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
        facts: What the record says of the corpus, such as ``labels`` and ``protocol_id``; none where it failed early.
        scores: ``uar``, ``accuracy`` and ``macro_f1`` on this run's test partition: those of a single fold.
        parameters: ``total`` and ``trainable``.
        seconds: Seconds of training.
        parity: Largest difference of the exported model's logits, where the run was exported.
        drift: Difference of its UAR on test through onnxruntime, likewise.
        not_exported: Why there is no exported model, where one was asked for.
        predictions: Where ``predictions.csv`` lies.
        finished: When, in UTC.
        source: Run id of its source, or None.
        joint: Whether the run was trained on several corpora.
        halved: What was done where a batch did not fit into memory at once.
        trained_on: Corpus and protocol that the network was trained on, where it is scored on another one; else empty.
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
    facts: Mapping[str, Any]
    scores: Mapping[str, float]
    parameters: Mapping[str, int]
    seconds: float | None
    parity: float | None
    drift: float | None
    not_exported: str
    predictions: Path
    finished: str
    source: str | None
    joint: bool
    halved: str = ""
    trained_on: str = ""

    @property
    def title(self) -> str:
        """The cell in words."""
        fold = "" if self.fold is None else f" f{self.fold}"
        way = f"{self.architecture} {self.strategy} s{self.seed}{fold}"
        return f"{self.trained_on} {way} on {self.corpus}" if self.trained_on else f"{self.corpus} {way}"


@dataclass(frozen=True)
class Predictions:
    """The test partition of a ``predictions.csv``: five lists of equal length."""

    utterances: list[str]
    speakers: list[str | None]
    truth: list[str]
    prediction: list[str]
    confidence: list[float]

    @classmethod
    def empty(cls) -> Predictions:
        """Return no predictions."""
        return cls([], [], [], [], [])

    def joined(self, other: Predictions) -> Predictions:
        """Return these and the others after them."""
        return Predictions(
            self.utterances + other.utterances,
            self.speakers + other.speakers,
            self.truth + other.truth,
            self.prediction + other.prediction,
            self.confidence + other.confidence,
        )


def load(results: Path) -> list[CorpusResult]:
    """Read every run of a results directory (or a single run's directory), in the order of their names.

    A run that cannot be read is warned about by name and left out.

    Raises:
        StoreError: There is no run.
    """
    if (results / "result.json").is_file():
        return load_runs([results])
    if not results.is_dir():
        raise StoreError(f"{results}: no such directory; name the --results of a 'run matrix'")
    paths = sorted(path for path in results.iterdir() if path.is_dir() and not path.name.startswith("."))
    records = load_runs(paths)
    if not records:
        raise StoreError(f"{results}: no run that can be read; start one with 'run matrix --results {results}'")
    return records


def load_runs(paths: Iterable[Path]) -> list[CorpusResult]:
    """Read the given runs' directories; one that cannot be read is warned about by name and left out."""
    sources = _Sources()
    records: list[CorpusResult] = []
    for path in paths:
        try:
            records += _records(path, read_record(path), sources)
        except StoreError as error:
            warnings.warn(f"left out: {error}", RuntimeWarning, stacklevel=2)
    return records


def skipped(cell: Cell, reason: str) -> CorpusResult:
    """Describe a cell that was not run, so that a table shows it."""
    raw = {
        "run_id": cell.run_id,
        "spec": cell.spec.model_dump(mode="json"),
        "error": {"type": "Skipped", "message": reason},
    }
    return next(_records(Path(), raw, _Sources()))


def read_predictions(record: CorpusResult) -> Predictions:
    """Read the test partition of a run's predictions.

    Raises:
        StoreError: The file is missing or is no such table.
    """
    columns = ("partition", "utterance", "speaker", "truth", "prediction")
    try:
        with record.predictions.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream)
            place = {name: index for index, name in enumerate(next(reader))}
            partition, *wanted = (place[name] for name in columns)
            rows = [row for row in reader if row[partition] == "test"]
        utterances, speakers, truth, prediction = (list(map(itemgetter(index), rows)) for index in wanted)
        if strange := {*truth, *prediction} - set(record.facts["labels"]):
            raise StoreError(f"{record.predictions}: undeclared label {min(strange)!r}; run {record.title} again")
        confidence = [float(row[place[label]]) for row, label in zip(rows, prediction, strict=True)]
    except (OSError, ValueError, LookupError, StopIteration) as error:
        raise StoreError(f"{record.predictions}: damaged or missing ({error}); run {record.title} again") from error
    if not rows:
        raise StoreError(f"{record.predictions}: no test prediction; run {record.title} again")
    return Predictions(utterances, [speaker or None for speaker in speakers], truth, prediction, confidence)


def _records(path: Path, raw: Mapping[str, Any], sources: _Sources) -> Iterator[CorpusResult]:
    version = raw.get("schema_version", SCHEMA_VERSION)
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise StoreError(f"{path / 'result.json'}: written by a newer emonet-bench (schema {version}); upgrade this")
    try:
        spec = raw["spec"]
        corpora, zero_shot = scored_corpora(spec), "evaluate" in spec
        for corpus, protocol in corpora:
            facts = raw["corpora"][corpus] if "corpora" in raw else raw
            suffix = f"-{corpus}" if len(corpora) > 1 else ""
            yield CorpusResult(
                corpus=corpus,
                protocol=protocol,
                architecture=spec["architecture"],
                strategy=spec["strategy"],
                variant=_variant(spec, None if zero_shot else sources.title(spec["source"], path.parent)),
                seed=spec["seed"],
                fold=None if zero_shot else spec["fold"],
                run_id=raw["run_id"],
                **_outcome(raw),
                facts={key: facts[key] for key in _FACTS if facts.get(key) is not None},
                scores=_scores(raw, corpus),
                parameters=raw.get("parameters", {}),
                seconds=raw.get("seconds", {}).get("train"),
                parity=_onnx(raw, corpus).get("max_delta"),
                drift=_drift(raw, corpus),
                not_exported=_onnx(raw, corpus).get("error", ""),
                predictions=path / f"predictions{suffix}.csv",
                finished=raw.get("finished", ""),
                source=spec["source"],
                joint=len(corpora) > 1,
                halved=raw.get("notes", {}).get("halved_batch", ""),
                trained_on=f"{spec['corpus']} {spec['protocol']}" if zero_shot else "",
            )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StoreError(f"{path / 'result.json'}: not a run's record ({error!r})") from error


def _outcome(raw: Mapping[str, Any]) -> dict[str, Any]:
    if "error" not in raw:
        raw["scores"]["test"]["uar"]  # a run without an error has a score
        return {"state": "done", "reason": ""}
    kind, message = raw["error"]["type"], " ".join(str(raw["error"]["message"]).split())
    if kind == "Skipped":
        return {"state": "skipped", "reason": message}
    return {"state": "failed", "reason": f"{kind}: {message}"}


def _scores(raw: Mapping[str, Any], corpus: str) -> Mapping[str, float]:
    parts = (
        raw["per_corpus"][corpus]["test"]["scores"] if "per_corpus" in raw else raw.get("scores", {}).get("test", {})
    )
    return {name: parts[name] for name in ("uar", "accuracy", "macro_f1") if name in parts}


def _onnx(raw: Mapping[str, Any], corpus: str) -> Mapping[str, Any]:
    told: Mapping[str, Any] = raw.get("onnx", {})
    return told.get(corpus, {}) if "corpora" in raw else told


def _drift(raw: Mapping[str, Any], corpus: str) -> float | None:
    own, onnx = _scores(raw, corpus).get("uar"), _onnx(raw, corpus).get("uar")
    return None if own is None or onnx is None else abs(onnx - own)


def _variant(spec: Mapping[str, Any], source: str | None) -> dict[str, Any]:
    parts = {"architecture": "architecture_options", "strategy": "strategy_options", "training": "training"}
    options = {f"{part}.{name}": value for part, key in parts.items() for name, value in spec[key].items()}
    return {**options, "source": source}


class _Sources:
    """Describes sources without their seed, so that seeds of one recipe meet: by corpora and strategy, else by hash."""

    def __init__(self) -> None:
        self._places: dict[Path, dict[str, Path]] = {}
        self._titles: dict[str, str] = {}

    def title(self, source: str | None, results: Path) -> str | None:
        """Describe a source whose run may lie among the results."""
        if source is None:
            return None
        if source not in self._titles:
            self._titles[source] = self._read(source, results)
        return self._titles[source]

    def _read(self, source: str, results: Path) -> str:
        if results not in self._places:
            self._places[results] = {path.name.rpartition("-")[2]: path for path in results.iterdir()}
        try:
            spec = read_record(self._places[results][source[:8]])["spec"]
            return f"{spec['strategy']} on {spec['corpus']}"
        except (StoreError, LookupError, TypeError):
            return source[:8]
