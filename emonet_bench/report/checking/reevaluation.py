"""Verification of weights: does a run's checkpoint give its predictions? Needs the corpora, the plugins and torch."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from emonet_bench import metrics
from emonet_bench.data.dataset import Clips
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import AudioError, ConfigError, CorpusError, EmonetBenchError, StoreError
from emonet_bench.matrix.cells import scoring, zero_shot
from emonet_bench.networks import Classifier
from emonet_bench.plugins.loading import Plugins
from emonet_bench.report.checking.verification import differences, stated_scores
from emonet_bench.runs.facts import target_of
from emonet_bench.runs.files import CHECKPOINT, RunFiles
from emonet_bench.runs.predictions import PredictionTable
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.target_predictions import TargetPredictions
from emonet_bench.training import checkpoints
from emonet_bench.training.features import attach_features
from emonet_bench.training.prediction import label_names, predict
from emonet_bench.training.speaker_normalisation import normalise_speakers
from emonet_bench.types import Partition, Target

Open = Callable[[str, str, int, bool], OpenCorpus]
"""Opens a corpus by name, protocol, sampling rate and whether bad files are left out."""


@dataclass(frozen=True)
class Reevaluation:
    """What came of evaluating a run's checkpoint again.

    Attributes:
        problems: What does not fit, a line each.
        reason: Why it could not be evaluated though nothing is wrong with it, or None.
        evaluated: Whether it was.
    """

    problems: Sequence[str] = ()
    reason: str | None = None
    evaluated: bool = False


def reevaluate(run: Path, plugins: Plugins, opened: Open, tolerance: float) -> Reevaluation:
    """Evaluate a run's checkpoint on dev and test again, and compare clips, truths, probabilities and scores.

    A prediction counts as the recorded one where the two labels' probabilities lie within the tolerance.

    Args:
        run: The directory of a run that has scores.
        plugins: Where its corpora, architecture and strategy are registered.
        opened: Opens a corpus.
        tolerance: Largest difference of a probability that is rounding.
    """
    record = RunFiles(run).read_record()
    if record.spec.external is not None:
        return Reevaluation(reason="its predictions were made elsewhere, there are no weights")
    weights = _weights(run, record)
    if weights is None or not RunFiles(weights).checkpoint().is_file():
        return Reevaluation(reason=f"it kept no {CHECKPOINT}" if weights else "its source does not lie beside it")
    try:
        plugins.architectures[record.spec.architecture]
        plugins.strategies[record.spec.strategy]
        corpora = dict(_corpora(record, opened))
    except (AudioError, ConfigError, CorpusError) as error:
        return Reevaluation(reason=str(error).partition("\n")[0])
    try:
        checkpoint = checkpoints.load(weights)
        classifier = checkpoints.rebuild(checkpoint, plugins)
    except Exception as error:  # noqa: BLE001 - whatever a network makes of weights that are not its own
        return Reevaluation([f"{CHECKPOINT}: cannot be loaded ({' '.join(str(error).split())[:300]})"])
    problems = [*checkpoints.contradictions(checkpoint.header, record), *_altered_parts(run, checkpoint, list(corpora))]
    try:
        for name, corpus in corpora.items():
            fitted = plugins.architectures[record.spec.architecture].fit is not None
            evaluated = _evaluated(classifier, record, name, corpus, fitted=fitted)
            problems += _compared(run, record, name, evaluated, tolerance)
    except (EmonetBenchError, LookupError, RuntimeError, TypeError, ValueError) as error:  # somebody has edited them
        said = str(error) if isinstance(error, EmonetBenchError) else repr(error)
        problems.append(f"predictions cannot be compared ({' '.join(said.split())[:300]})")
        return Reevaluation(problems)
    return Reevaluation(problems, evaluated=True)


def _weights(run: Path, record: RunRecord) -> Path | None:
    """Find the run that holds the weights: itself, or beside it the source that it scores on another corpus."""
    if record.spec.evaluate is None or record.spec.source is None:
        return run
    return next(run.resolve().parent.glob(f"*-{glob.escape(record.spec.source[:8])}"), None)


def _corpora(record: RunRecord, opened: Open) -> Iterator[tuple[str, OpenCorpus]]:
    """Open a run's corpora.

    Raises:
        CorpusError: One is absent, or not as it was.
    """
    recipe = record.spec.training
    for ref in record.spec.scored_corpora():
        name, facts = ref.name, record.facts(ref.name)
        corpus = opened(name, ref.division, recipe.sampling_rate, facts.skipped_files > 0)
        if (corpus.fingerprint, corpus.protocol_id(recipe.limit)) != (facts.fingerprint, facts.protocol_id):
            raise CorpusError(f"{name} or its protocol {ref.division} has changed since the run")
        yield name, corpus


def _altered_parts(run: Path, whole: checkpoints.Checkpoint, corpora: Sequence[str]) -> Iterator[str]:
    """Compare the file of each corpus of a joint run with the whole network's, to the last bit."""
    for name in corpora if len(corpora) > 1 else ():
        file = RunFiles(run).checkpoint(name).name
        try:
            tensors = checkpoints.load(run / file).tensors
        except (ConfigError, StoreError) as error:
            yield f"{file}: cannot be loaded ({error})"
            continue
        if any(
            key not in whole.tensors or not torch.equal(value, whole.tensors[key]) for key, value in tensors.items()
        ):
            yield f"{file}: other weights than {CHECKPOINT}"


def _evaluated(
    classifier: Classifier, record: RunRecord, name: str, corpus: OpenCorpus, *, fitted: bool
) -> dict[Partition, tuple[Clips, Tensor]]:
    recipe = record.spec.training
    if recipe.device != "cpu" and not torch.cuda.is_available():
        recipe = recipe.model_copy(update={"device": "cpu"})
    if record.spec.evaluate is not None:
        return {"test": zero_shot.evaluate(classifier, record.spec, corpus, recipe)}
    classifier.to(recipe.device).select(name)
    divided = corpus.divide(corpus.fold_or_first(record.spec.fold), recipe.limit)
    scored = scoring.evaluated(record.spec)
    heard = divided if corpus.ref.speaker_normalised else scored  # a speaker's clips of all partitions count there
    clips = {part: corpus.clips(divided[part]).to(torch.device(recipe.device)) for part in heard}
    if corpus.ref.speaker_normalised:
        anew = recipe.model_copy(update={"features": "off"})
        kept, _ = attach_features(classifier, {name: clips}, anew, fitted)
        clips = normalise_speakers(kept[name], corpus.protocol)
    return {part: (clips[part], predict(classifier, clips[part], recipe)) for part in scored}


def _compared(
    run: Path,
    record: RunRecord,
    name: str,
    evaluated: Mapping[Partition, tuple[Clips, Tensor]],
    tolerance: float,
) -> Iterator[str]:
    """Compare what a run has written of a corpus, partition by partition."""
    facts, files = record.facts(name), RunFiles(run)
    read = files.read_predictions if facts.target is None else files.read_target_predictions
    table: PredictionTable | TargetPredictions = read(record, name)
    for part, (clips, predicted) in evaluated.items():
        where, rows = f"{part} of {name}", table.part(part)
        if sorted(rows.utterances) != sorted(clips.names):
            yield f"{rows.file.name}: the clips of {where} are not those of the protocol"
        elif isinstance(rows, PredictionTable):
            stated = stated_scores(record, name).get(part, {})
            yield from _compared_labels(rows, clips, predicted, tolerance, where, stated)
        else:
            yield from _compared_target(rows, clips, predicted, tolerance, where, target_of(facts))


def _compared_labels(
    rows: PredictionTable,
    clips: Clips,
    probabilities: Tensor,
    tolerance: float,
    where: str,
    stated: Mapping[str, float],
) -> Iterator[str]:
    file = rows.file.name
    truth, prediction = label_names(clips, probabilities.argmax(-1))
    recorded = dict(zip(rows.utterances, rows.truth, strict=True))
    if wrong := [clip for clip, label in zip(clips.names, truth, strict=True) if recorded[clip] != label]:
        yield f"{file}: the truth of {len(wrong)} clips on {where} is not the corpus's, first {wrong[0]}"
    yield from _moved(rows, clips, probabilities, tolerance, f"{file}: probabilities on {where}")
    guesses = dict(zip(rows.utterances, rows.prediction, strict=True))
    for place, clip in enumerate(clips.names):
        said = guesses[clip]
        if said in clips.labels:
            row = probabilities[place]
            if row[clips.labels.index(said)] >= row.max() - 2 * tolerance:
                prediction[place] = said
    own = metrics.scores(truth, prediction, clips.labels)
    yield from differences(stated, own, where, "the checkpoint gives")


def _compared_target(
    rows: TargetPredictions, clips: Clips, predicted: Tensor, tolerance: float, where: str, target: Target
) -> Iterator[str]:
    """Compare predictions of a target that is no label; tolerance is of the scale's width where values have one."""
    file, width = rows.file.name, max((high - low for low, high in target.scales), default=1.0)
    place = {clip: index for index, clip in enumerate(rows.utterances)}
    order = [place[clip] for clip in clips.names]
    truth, said = (torch.tensor([side[i] for i in order]) for side in (rows.truth, rows.predicted))
    if wrong := int((truth - clips.truth()).abs().amax(-1).gt(1e-5).sum()):
        yield f"{file}: the truth of {wrong} clips on {where} is not the corpus's"
    far = (said - predicted).abs().amax(-1)  # (N,)
    if count := int((far > tolerance * width).sum()):
        worst = clips.names[int(far.argmax())]
        yield (
            f"{file}: predictions on {where}: {count} clips differ from the checkpoint's by up to "
            f"{float(far.max()):.2g}, most {worst}"
        )


def _moved(rows: PredictionTable, clips: Clips, probabilities: Tensor, tolerance: float, what: str) -> Iterator[str]:
    order = [rows.labels.index(label) for label in clips.labels]
    said = dict(zip(rows.utterances, rows.probabilities(), strict=True))
    recorded = torch.tensor([[said[clip][place] for place in order] for clip in clips.names])
    far = (recorded - probabilities).abs().amax(-1)  # (N,)
    if count := int((far > tolerance).sum()):
        worst = clips.names[int(far.argmax())]
        yield f"{what}: {count} clips differ from the checkpoint's by up to {float(far.max()):.2g}, most {worst}"
