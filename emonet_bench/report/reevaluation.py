"""Does a run's checkpoint give the predictions that the run wrote down? Needs its corpora, its plugins and torch."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emonet_bench import metrics
from emonet_bench.config import Training
from emonet_bench.data.dataset import Clips
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import AudioError, ConfigError, CorpusError, StoreError
from emonet_bench.matrix import scoring, zero_shot
from emonet_bench.networks import Classifier
from emonet_bench.plugins.loading import Plugins
from emonet_bench.report.verification import differences, stated_scores
from emonet_bench.runs.spec import RunSpec, scored_corpora
from emonet_bench.runs.store import CHECKPOINT, read_record
from emonet_bench.training import checkpoints
from emonet_bench.training.prediction import label_names, predict
from emonet_bench.types import Partition

Open = Callable[[str, str, int, bool], OpenCorpus]
"""Opens a corpus by name, protocol, sampling rate and whether bad files are left out."""

_SAME = ("run_id", "architecture", "architecture_options", "strategy", "strategy_options")
"""What a checkpoint's header and its run's record both state."""


@dataclass(frozen=True)
class Reevaluation:
    """What came of evaluating a run's checkpoint again.

    Attributes:
        problems: What does not fit, a line each.
        reason: Why it could not be evaluated, or None.
    """

    problems: Sequence[str] = ()
    reason: str | None = None


def reevaluate(run: Path, plugins: Plugins, opened: Open, tolerance: float) -> Reevaluation:
    """Evaluate a run's checkpoint on dev and test again, and compare clips, truths, probabilities and scores.

    A prediction counts as the recorded one where the two labels' probabilities lie within the tolerance.

    Args:
        run: The directory of a run that has scores.
        plugins: Where its corpora, architecture and strategy are registered.
        opened: Opens a corpus.
        tolerance: Largest difference of a probability that is rounding.
    """
    record = read_record(run)
    weights = _weights(run, record)
    if weights is None or not (weights / CHECKPOINT).is_file():
        return Reevaluation(reason=f"it kept no {CHECKPOINT}" if weights else "its source does not lie beside it")
    try:
        plugins.architectures[record["spec"]["architecture"]]
        plugins.strategies[record["spec"]["strategy"]]
        corpora = dict(_corpora(record, opened))
    except (AudioError, ConfigError, CorpusError) as error:
        return Reevaluation(reason=str(error).partition("\n")[0])
    try:
        checkpoint = checkpoints.load(weights)
        classifier = checkpoints.rebuild(checkpoint, plugins)
    except (ConfigError, KeyError, RuntimeError, TypeError) as error:
        return Reevaluation([f"{CHECKPOINT}: cannot be loaded ({' '.join(str(error).split())})"])
    problems = [*_altered_header(checkpoint.header, record), *_altered_parts(run, checkpoint, list(corpora))]
    try:
        for name, corpus in corpora.items():
            problems += _compared(run, record, name, _evaluated(classifier, record, name, corpus), tolerance)
    except (StoreError, KeyError, TypeError, ValueError) as error:  # of a table that somebody has edited
        problems.append(f"predictions cannot be compared ({error if isinstance(error, StoreError) else repr(error)})")
    return Reevaluation(problems)


def _weights(run: Path, record: Mapping[str, Any]) -> Path | None:
    """Find the run that holds the weights: itself, or beside it the source that it scores on another corpus."""
    spec = record["spec"]
    if "evaluate" not in spec:
        return run
    return next(run.resolve().parent.glob(f"*-{spec['source'][:8]}"), None)


def _corpora(record: Mapping[str, Any], opened: Open) -> Iterator[tuple[str, OpenCorpus]]:
    """Open a run's corpora.

    Raises:
        CorpusError: One is absent, or not as it was.
    """
    spec = record["spec"]
    for name, protocol in scored_corpora(spec):
        facts = record["corpora"][name] if "corpora" in record else record
        corpus = opened(name, protocol, spec["training"]["sampling_rate"], bool(facts.get("skipped_files")))
        if (corpus.fingerprint, corpus.protocol_id(spec["training"]["limit"])) != (
            facts["fingerprint"],
            facts["protocol_id"],
        ):
            raise CorpusError(f"{name} or its protocol {protocol} has changed since the run")
        yield name, corpus


def _altered_header(header: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[str]:
    spec = record["spec"]
    recorded = {**spec, "run_id": spec["source"] if "evaluate" in spec else record["run_id"]}
    for name in _SAME:
        if header.get(name) != recorded[name]:
            yield f"{CHECKPOINT}: its {name} is not that of result.json"


def _altered_parts(run: Path, whole: checkpoints.Checkpoint, corpora: Sequence[str]) -> Iterator[str]:
    """Compare the file of each corpus of a joint run with the whole network's, to the last bit."""
    for name in corpora if len(corpora) > 1 else ():
        file = checkpoints.part(name)
        try:
            tensors = checkpoints.load(run / file).tensors
        except ConfigError as error:
            yield f"{file}: cannot be loaded ({error})"
            continue
        if any(
            key not in whole.tensors or not torch.equal(value, whole.tensors[key]) for key, value in tensors.items()
        ):
            yield f"{file}: other weights than {CHECKPOINT}"


def _evaluated(
    classifier: Classifier, record: Mapping[str, Any], name: str, corpus: OpenCorpus
) -> dict[Partition, tuple[Clips, Tensor]]:
    spec = record["spec"]
    recipe = Training(**spec["training"])
    if recipe.device != "cpu" and not torch.cuda.is_available():
        recipe = recipe.model_copy(update={"device": "cpu"})
    if "evaluate" in spec:
        return {"test": zero_shot.evaluate(classifier, RunSpec(**spec), corpus, recipe)}
    classifier.to(recipe.device).select(name)
    divided = corpus.divide(corpus.fold_or_first(spec["fold"]), recipe.limit)
    clips = {part: corpus.clips(divided[part]).to(torch.device(recipe.device)) for part in scoring.EVALUATED}
    return {part: (own, predict(classifier, own, recipe)) for part, own in clips.items()}


def _compared(
    run: Path,
    record: Mapping[str, Any],
    name: str,
    evaluated: Mapping[Partition, tuple[Clips, Tensor]],
    tolerance: float,
) -> Iterator[str]:
    joint = "corpora" in record
    file = f"predictions-{name}.csv" if joint else "predictions.csv"
    stated = stated_scores(record, name if joint else None)
    for part, (clips, probabilities) in evaluated.items():
        where = f"{part} of {name}"
        rows = _rows(run / file, part)
        if sorted(rows) != sorted(clips.names):
            yield f"{file}: the clips of {where} are not those of the protocol"
            continue
        truth, prediction = label_names(clips, probabilities.argmax(-1))
        if wrong := [clip for clip, label in zip(clips.names, truth, strict=True) if rows[clip]["truth"] != label]:
            yield f"{file}: the truth of {len(wrong)} clips on {where} is not the corpus's, first {wrong[0]}"
        yield from _moved(rows, clips, probabilities, tolerance, f"{file}: probabilities on {where}")
        for place, clip in enumerate(clips.names):
            said = rows[clip]["prediction"]
            if said in clips.labels:
                row = probabilities[place]
                if row[clips.labels.index(said)] >= row.max() - 2 * tolerance:
                    prediction[place] = said
        own = metrics.scores(truth, prediction, clips.labels)
        yield from differences(stated.get(part, {}), own, where, "the checkpoint gives")


def _rows(file: Path, part: Partition) -> dict[str, dict[str, str]]:
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return {row["utterance"]: row for row in csv.DictReader(stream) if row["partition"] == part}
    except (OSError, KeyError) as error:
        raise StoreError(f"{file.name}: damaged or missing ({error})") from error


def _moved(
    rows: Mapping[str, Mapping[str, str]], clips: Clips, probabilities: Tensor, tolerance: float, what: str
) -> Iterator[str]:
    recorded = torch.tensor([[float(rows[clip][label]) for label in clips.labels] for clip in clips.names])
    far = (recorded - probabilities).abs().amax(-1)  # (N,)
    if count := int((far > tolerance).sum()):
        worst = clips.names[int(far.argmax())]
        yield f"{what}: {count} clips differ from the checkpoint's by up to {float(far.max()):.2g}, most {worst}"
