"""One cell from its specification to its directory: open, build, train, evaluate, write."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emonet_bench.config import Training, parse
from emonet_bench.data.dataset import Clips
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import Skipped, StoreError
from emonet_bench.matrix.cells import guards, scoring, zero_shot
from emonet_bench.matrix.cells.blame import blame
from emonet_bench.matrix.cells.export import export_networks
from emonet_bench.matrix.cells.guards import ChangedSincePlanned
from emonet_bench.matrix.cells.heard import Hearing
from emonet_bench.matrix.cells.job import Job
from emonet_bench.matrix.cells.lineage import shared_clips
from emonet_bench.matrix.cells.teaching import inherited_teacher, teacher_of
from emonet_bench.matrix.cells.worker import WORKER
from emonet_bench.matrix.search.completion import take_over
from emonet_bench.networks import Classifier
from emonet_bench.networks.validation import check_network, check_registered
from emonet_bench.plugins.extensions import RecordExtensions
from emonet_bench.runs import log, telemetry
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import SCHEMA_VERSION, RunSpec
from emonet_bench.runs.store import RunStore, out_of_space
from emonet_bench.training import checkpoints, features, initialisation, speaker_normalisation
from emonet_bench.training.loop import train
from emonet_bench.training.methods import methods_of
from emonet_bench.training.prediction import predict, training_window
from emonet_bench.types import Architecture, InputSpec, Partition, Plan, Teacher, TrainingSet

_log = logging.getLogger(__name__)


def run_cell(job: Job) -> str | None:
    """Run one cell and leave its directory in the results. Runs in a worker process.

    Returns:
        None, or the reason why the cell was skipped. A failure is a result: it is written down, not raised.

    Raises:
        RunLocked: Another process is at work on the cell.
        StoreError: The disk is full. That is not the cell's fault: it is not written down, and the next call goes on.
        ChangedSincePlanned: Its corpora or its code are not what its run id was made of. Nothing is written down.
    """
    spec, store = job.cell.spec, RunStore(job.results)
    torch.set_num_threads(spec.training.threads)
    with store.writing(spec, job.cell.run_id, again=job.again) as directory:
        if directory is None:
            return None  # another process has finished it meanwhile
        try:
            with log.capture_output(directory):
                RunFiles(directory).write_record(_carry_out(job, directory))
        except Skipped as reason:
            store.discard(directory)
            return str(reason)
        except ChangedSincePlanned:
            store.discard(directory)
            raise
        except Exception as error:
            if out_of_space(error):
                raise StoreError(
                    f"{directory}: no space left on the disk; free some and run the matrix again, it goes on from there"
                ) from error
            raise
        finally:
            if spec.training.device == "cuda":
                torch.cuda.empty_cache()  # this worker may be idle while others need the memory
    return None


def keep_features(job: Job, progress: Callable[[int, int], None]) -> str:
    """Compute and keep the frozen features that a cell will ask for; return why there are none, or not all."""
    return _Run(job, job.results).keep_features(progress)


def _carry_out(job: Job, directory: Path) -> RunRecord:
    """Run a cell and return its record, of success or of failure."""
    _log.info("%s (run %s) starts", job.cell.spec.title, job.cell.run_id)
    run = _Run(job, directory)
    extensions = RecordExtensions(run.plugins, run.spec)
    outcome: dict[str, Any]
    try:
        outcome = run.carry_out()
    except (Skipped, ChangedSincePlanned):
        raise
    except (Exception, SystemExit) as error:  # whatever a plugin raises is this cell's result
        if out_of_space(error):
            raise
        _log.exception("%s fails", job.cell.spec.title)
        outcome = {"error": telemetry.describe_error(error, blame(error, run.spec, run.plugins))}
    else:
        outcome["files"] = run.files.hashes()
    record = extensions.added_to(RunRecord(**run.header(), **outcome, finished=telemetry.now()))
    if not record.failed:
        part, scores = record.score
        _log.info("%s ends, %s %s %.4f", job.cell.spec.title, part, *scores.headline)
    return record


class _Run:
    def __init__(self, job: Job, directory: Path) -> None:
        self.job, self.directory, self.files = job, directory, RunFiles(directory)
        self.started = telemetry.now()
        self.spec: RunSpec = job.cell.spec
        self.recipe: Training = self.spec.training
        self.plugins = WORKER.begin(job)
        self.device = torch.device(self.recipe.device)
        self.hearing = Hearing(self.spec, self.plugins, self.device, job.skip_bad_files)
        self.unlabelled: dict[str, Clips] = {}
        self.seconds: dict[str, float] = {}

    def header(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "run_id": self.job.cell.run_id,
            "spec": self.spec,
            "environment": telemetry.environment(self.device),
            "plugins": self.plugins.versions(),
            "started": self.started,
        }

    def carry_out(self) -> dict[str, Any]:
        telemetry.reset_peak_memory(self.device)
        if self.spec.evaluate is not None:
            return self._zero_shot()
        with self._phase("load"):
            everything = self.hearing.open()
            guards.check_as_planned(self.job.cell, everything, self.plugins)
            clips, self.unlabelled = self.hearing.hear(everything)
            plan = self._prepare(clips)
            opened = {name: everything[name] for name in clips}
            shared = {} if self.spec.trial else shared_clips(self.hearing, opened, self.job.source)
        with self._phase("prepare"):
            clips, notes = self._initialise(plan, clips)
        if self.job.trained is None:
            with self._phase("train"):
                best_epoch = self._train(plan, clips, notes)
        else:
            trial = take_over(plan, RunFiles(self.job.trained), self.files)
            best_epoch, notes = trial.best_epoch or 0, notes | trial.notes
            self.seconds["train"] = trial.seconds.get("train", 0.0)
        guards.check_weights(plan.classifier)
        with self._phase("evaluate"):
            predicted = {name: self._predict(plan.classifier, name, clips[name], notes) for name in opened}
        header = self._checkpoint_header(opened, notes.get("teacher"))
        checkpoints.save(plan.classifier, self.files.checkpoint(), header)
        if len(opened) > 1:
            checkpoints.save_parts(plan.classifier, self.directory, header)
        record = {
            **scoring.corpus_facts(opened, self.spec.fold, self.recipe.limit, self.hearing.partitions, shared),
            **scoring.score_facts(clips, predicted),
            "parameters": scoring.parameters(plan),
            "best_epoch": best_epoch,
            "seconds": self.seconds,
            "peak_memory_mb": telemetry.peak_memory_mb(self.device),
            "notes": notes,
            **({"search": self.job.cell.search} if self.job.cell.search else {}),
        }
        if self.job.export and not self.spec.trial:
            whole = RunRecord(**self.header(), **record, finished=telemetry.now())
            test = {name: parts["test"] for name, parts in clips.items()}
            record["onnx"] = export_networks(plan.classifier, whole, self.files, test)
        return record

    def keep_features(self, progress: Callable[[int, int], None]) -> str:
        clips, self.unlabelled = self.hearing.hear(self.hearing.open())
        return self._initialise(self._prepare(clips), clips, progress)[1].get("features", "")

    def _zero_shot(self) -> dict[str, Any]:
        assert self.job.source is not None
        with self._phase("load"):
            opened = self.hearing.open()
            guards.check_as_planned(self.job.cell, opened, self.plugins)
        with self._phase("evaluate"):
            record = zero_shot.carry_out(self.spec, self.job.source, self.plugins, opened, self.directory)
        measured = {"seconds": self.seconds, "peak_memory_mb": telemetry.peak_memory_mb(self.device)}
        return {**record, **measured, "notes": {}}

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 3)

    def _prepare(self, clips: Mapping[str, Mapping[Partition, Clips]]) -> Plan:
        architecture = self.plugins.architectures[self.spec.architecture]
        strategy = self.plugins.strategies[self.spec.strategy]
        torch.manual_seed(self.spec.seed)
        network = architecture.build(
            parse(architecture.options, self.spec.architecture_options, architecture.name), self.input_spec
        )
        check_network(network, architecture.name)
        trained = initialisation.one_partition(clips, "train")
        corpora = [TrainingSet(name, train.labels, len(train), train.kind) for name, train in trained.items()]
        source = self._source(architecture) if strategy.teacher is None else self._teacher(trained)
        options = parse(strategy.options, self.spec.strategy_options, strategy.name)
        plan = strategy.prepare(network, corpora, source, options)
        check_registered(plan.classifier)
        plan.classifier.to(self.device)
        taught = source.title if isinstance(source, Teacher) else inherited_teacher(source)
        return replace(plan, notes={**plan.notes, "teacher": taught}) if taught else plan

    def _source(self, architecture: Architecture) -> checkpoints.Checkpoint | None:
        """Return the trained network that the strategy starts from."""
        run = self.job.source
        return None if run is None else checkpoints.load(run, architecture.load_external)

    def _teacher(self, train: Mapping[str, Clips]) -> Teacher | None:
        """Return the teacher, asked about all clips that the student hears; None where there is none."""
        run = self.job.source
        if run is None and self.spec.teacher is None:
            return None
        clips = heard = {**train, **self.unlabelled}
        rate = RunFiles(run).read_record().spec.training.sampling_rate if run else self.recipe.sampling_rate
        if rate != self.recipe.sampling_rate:
            heard = {name: self.hearing.clips(corpus)["train"] for name, corpus in self.hearing.open(rate).items()}
        return teacher_of(self.spec, run, clips, heard, self.plugins)

    @property
    def input_spec(self) -> InputSpec:
        return InputSpec(self.recipe.sampling_rate, training_window(self.recipe))

    def _initialise(
        self, plan: Plan, clips: features.Parts, progress: Callable[[int, int], None] | None = None
    ) -> tuple[dict[str, dict[Partition, Clips]], dict[str, str]]:
        """Choose first weights, and give clips the features of what is frozen then; return them and the run's notes."""
        chosen = initialisation.initialise(plan, clips, self.recipe, self.spec.seed)
        fitted = self.plugins.architectures[self.spec.architecture].fit is not None
        user = f"{self.spec.architecture} on {self.spec.corpus}"
        origin = self.plugins.architectures.origin(self.spec.architecture)
        built = {
            "architecture": [self.spec.architecture, origin.version, self.spec.architecture_options],
            "input": asdict(self.input_spec),
        }
        kept, told = features.attach_features(plan.classifier, clips, self.recipe, fitted, user, progress, built)
        return speaker_normalisation.normalised(kept, self.spec.trained_corpora()), {**plan.notes, **chosen, **told}

    def _train(self, plan: Plan, clips: Mapping[str, Mapping[Partition, Clips]], notes: dict[str, str]) -> int:
        train_clips, dev_clips = (initialisation.one_partition(clips, part) for part in initialisation.HEARD)
        guards.check_labels(train_clips)
        architecture = self.plugins.architectures[self.spec.architecture]
        if architecture.fit is not None:
            ((_, parts),) = clips.items()
            options = parse(architecture.options, self.spec.architecture_options, architecture.name)
            decided = architecture.fit(plan.classifier, parts["train"], parts["dev"], options, self.spec.seed)
            notes.update(decided or {})
            return 0
        methods, write = methods_of(self.recipe, self.plugins), self.files.history_writer().write
        given = plan, train_clips, dev_clips, self.recipe, self.spec.seed, write, self.directory, notes
        return train(*given, methods=methods, unlabelled=self.unlabelled)

    def _predict(
        self, classifier: Classifier, name: str, parts: Mapping[Partition, Clips], notes: dict[str, str]
    ) -> dict[Partition, Tensor]:
        """Score the clips of a corpus that the run is evaluated on, and write the predictions down."""
        classifier.select(name)
        probabilities = {part: predict(classifier, parts[part], self.recipe) for part in scoring.evaluated(self.spec)}
        for part, predicted in probabilities.items():
            guards.check_probabilities(predicted, name)
            if told := guards.apart_when_alone(classifier, parts[part], self.recipe, predicted):
                notes["not_alone"] = told
        rows = scoring.prediction_rows(parts, probabilities)
        self.files.write_predictions(parts["dev"].labels, rows, self._part(name), parts["dev"].kind)
        return probabilities

    def _part(self, name: str) -> str | None:
        """Return how a corpus's files are told apart: not at all where there is only one."""
        return name if len(self.spec.trained_corpora()) > 1 else None

    def _checkpoint_header(self, opened: Mapping[str, OpenCorpus], teacher: str | None) -> dict[str, Any]:
        kinds = {name: corpus.target.kind for name, corpus in opened.items() if corpus.target.kind != "label"}
        return {
            "architecture": self.spec.architecture,
            "architecture_options": self.spec.architecture_options,
            "strategy": self.spec.strategy,
            "strategy_options": self.spec.strategy_options,
            "signal": asdict(self.input_spec),
            "evaluation": self.recipe.evaluation,
            "corpora": {name: list(corpus.target.names) for name, corpus in opened.items()},
            "run_id": self.job.cell.run_id,
            **({"kinds": kinds} if kinds else {}),
            **({"teacher": teacher} if teacher else {}),
        }
