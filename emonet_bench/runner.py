"""One cell from its specification to its directory: open, build, train, evaluate, write."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from emonet_bench import checkpoints, export, interruption, records
from emonet_bench.batches import Clips
from emonet_bench.config import Training, parse
from emonet_bench.errors import Skipped
from emonet_bench.evaluation import evaluation_window, predict, training_window
from emonet_bench.loading import OpenCorpus, open_corpus
from emonet_bench.networks import Classifier
from emonet_bench.plugins import Plugins, Selection, cache_directory
from emonet_bench.runs import SCHEMA_VERSION, Cell, RunSpec
from emonet_bench.store import CHECKPOINT, RunStore, write_json
from emonet_bench.training import train
from emonet_bench.types import Partition, Plan, Signal, TrainingSet


@dataclass(frozen=True)
class Job:
    """What a worker needs to run a cell; picklable.

    Attributes:
        cell: The cell.
        selection: Which plugins to load.
        results: The results directory.
        source: Where the source's weights lie, or None.
        export: Whether to write and check the ONNX model, too.
        again: Whether a result that is already there is replaced.
    """

    cell: Cell
    selection: Selection
    results: Path
    source: Path | None = None
    export: bool = False
    again: bool = False


def run_cell(job: Job) -> str | None:
    """Run one cell and leave its directory in the results. Runs in a worker process.

    Returns:
        None, or the reason why the cell was skipped. A failure is a result: it is written down, not raised.
    """
    spec, store = job.cell.spec, RunStore(job.results)
    torch.set_num_threads(spec.training.threads)
    with store.writing(spec, job.cell.run_id, again=job.again) as directory:
        if directory is None:
            return None  # another process has finished it meanwhile
        started = datetime.now(UTC)
        run = _Run(job, directory)
        try:
            outcome = run.carry_out()
        except Skipped as reason:
            store.discard(directory)
            return str(reason)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is this cell's result
            outcome = {"error": records.describe_error(error)}
        (directory / interruption.FILE).unlink(missing_ok=True)
        times = {"started": records.utc(started), "finished": records.utc(datetime.now(UTC))}
        write_json(directory / "result.json", {**run.header(), **outcome, **times})
    return None


class _Run:
    def __init__(self, job: Job, directory: Path) -> None:
        self.job, self.directory = job, directory
        self.spec: RunSpec = job.cell.spec
        self.recipe: Training = self.spec.training
        self.plugins = Plugins(job.selection)
        self.device = torch.device(self.recipe.device)
        self.seconds: dict[str, float] = {}

    def header(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "run_id": self.job.cell.run_id,
            "spec": self.spec.model_dump(mode="json"),
            "environment": records.environment(self.device),
            "plugins": self.plugins.versions(),
        }

    def carry_out(self) -> dict[str, Any]:
        with self._phase("load"):
            opened = self._open()
            clips = {name: self._clips(corpus) for name, corpus in opened.items()}
            plan = self._prepare(clips)
        with self._phase("train"):
            best_epoch = self._train(plan, clips)
        with self._phase("evaluate"):
            scored = {name: self._evaluate(plan.classifier, name, clips[name]) for name in opened}
        checkpoints.save(plan.classifier, self.directory / CHECKPOINT, self._checkpoint_header(opened))
        record = {
            **records.corpus_facts(opened, self.spec.fold, self.recipe.limit),
            **records.joint_scores(scored),
            "parameters": records.parameters(plan),
            "best_epoch": best_epoch,
            "seconds": self.seconds,
            "peak_memory_mb": records.peak_memory_mb(self.device),
            "notes": dict(plan.notes),
        }
        if self.job.export:
            record["onnx"] = self._export(plan.classifier, record, clips)
        return record

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 3)

    def _open(self) -> dict[str, OpenCorpus]:
        names = self.spec.corpus.split("+")
        protocols = self.spec.protocol.split("+")
        return {
            name: open_corpus(self.plugins.corpora[name], protocol, self.recipe.sampling_rate, cache_directory())
            for name, protocol in zip(names, protocols, strict=True)
        }

    def _clips(self, corpus: OpenCorpus) -> dict[Partition, Clips]:
        divided = corpus.divide(records.fold_of(corpus, self.spec.fold), self.recipe.limit)
        whole = corpus.clips(range(len(corpus.utterances))).to(self.device)
        return {part: whole.select(index) for part, index in divided.items()}

    def _prepare(self, clips: Mapping[str, Mapping[Partition, Clips]]) -> Plan:
        architecture = self.plugins.architectures[self.spec.architecture]
        strategy = self.plugins.strategies[self.spec.strategy]
        torch.manual_seed(self.spec.seed)
        network = architecture.build(
            parse(architecture.options, self.spec.architecture_options, architecture.name), self.signal
        )
        corpora = [TrainingSet(name, parts["train"].labels, len(parts["train"])) for name, parts in clips.items()]
        source = checkpoints.load(self.job.source) if self.job.source else None
        options = parse(strategy.options, self.spec.strategy_options, strategy.name)
        plan = strategy.prepare(network, corpora, source, options)
        plan.classifier.to(self.device)
        return plan

    @property
    def signal(self) -> Signal:
        return Signal(self.recipe.sampling_rate, training_window(self.recipe))

    def _train(self, plan: Plan, clips: Mapping[str, Mapping[Partition, Clips]]) -> int:
        architecture = self.plugins.architectures[self.spec.architecture]
        if architecture.fit is not None:
            ((_, parts),) = clips.items()
            options = parse(architecture.options, self.spec.architecture_options, architecture.name)
            architecture.fit(plan.classifier, parts["train"], parts["dev"], options, self.spec.seed)
            return 0
        return train(
            plan,
            {name: parts["train"] for name, parts in clips.items()},
            {name: parts["dev"] for name, parts in clips.items()},
            self.recipe,
            self.spec.seed,
            records.History(self.directory / "history.csv").write,
            self.directory,
        )

    def _evaluate(self, classifier: Classifier, name: str, parts: Mapping[Partition, Clips]) -> dict[str, Any]:
        classifier.select(name)
        probabilities = {part: predict(classifier, parts[part], self.recipe) for part in records.EVALUATED}
        suffix = "" if "+" not in self.spec.corpus else f"-{name}"
        records.write_predictions(self.directory / f"predictions{suffix}.csv", parts, probabilities)
        return {part: records.score(parts[part], probabilities[part]) for part in records.EVALUATED}

    def _checkpoint_header(self, opened: Mapping[str, OpenCorpus]) -> dict[str, Any]:
        return {
            "architecture": self.spec.architecture,
            "architecture_options": self.spec.architecture_options,
            "strategy": self.spec.strategy,
            "strategy_options": self.spec.strategy_options,
            "signal": asdict(self.signal),
            "corpora": {name: list(corpus.corpus.labels) for name, corpus in opened.items()},
            "run_id": self.job.cell.run_id,
        }

    def _export(
        self, classifier: Classifier, record: Mapping[str, Any], clips: Mapping[str, Mapping[Partition, Clips]]
    ) -> dict[str, Any]:
        ((name, parts),) = clips.items()
        path = self.directory / "model.onnx"
        signal = Signal(self.recipe.sampling_rate, evaluation_window(self.recipe))
        metadata = export.metadata_of({**self.header(), **record})
        parity = export.export(classifier.cpu(), name, path, signal, metadata)
        return {"max_delta": parity.max_delta, "uar": export.score_onnx(path, parts["test"].to(torch.device("cpu")))}
