"""The words of a card: intended use, what it was tested on, limits, provenance; plain text for every renderer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from emonet_bench.deploy.metadata import in_words, input_spec_of
from emonet_bench.model_card.record import Calibration, ModelCard, Subgroups


def intended(card: ModelCard) -> Iterator[str]:
    """Say what the model is for, and what not."""
    yield (
        "Intended: research on speech emotion recognition, and prototypes on speech like that of the corpus below, "
        "whose language, recordings and way of eliciting emotion it knows."
    )
    yield (
        "Not intended: decisions about people (hiring, credit, insurance, policing, diagnosis, education), watching "
        "people at work or in public, telling lies or intentions. A label is the model's guess at how speech sounds, "
        "not what a person feels."
    )
    if card.metadata.get("synthetic") == "true":
        yield "Trained on generated audio: for trying things out, not for use."


def measured_on(card: ModelCard) -> Iterator[str]:
    """Say what the model was trained and measured on."""
    data = card.data
    trained = ", ".join(filter(None, (card.metadata.get("corpus"), card.metadata.get("protocol"))))
    yield f"Trained on: {trained or 'unknown'}. Licence of that audio: {card.metadata.get('licence') or 'unknown'}."
    fold = "" if data.fold is None else f", fold {data.fold}"
    speakers = "an unknown number of" if data.speakers is None else str(data.speakers)
    yield (
        f"Measured on the {data.partition} clips of {data.title or data.corpus}, protocol {data.protocol}{fold} "
        f"({data.protocol_id}): {data.clips} clips, {data.seconds / 60:.1f} minutes, {speakers} speakers, "
        f"{data.elicitation or 'of unknown elicitation'}, language {', '.join(data.languages) or 'unknown'}. "
        f"Licence of the audio: {data.licence}."
    )
    yield from (f"Note: {note}." for note in data.notes)


def trained(card: ModelCard) -> Iterator[str]:
    """Say how the model was trained: data, parameters, recipe and what training cost."""
    found = card.training
    if found is None:
        yield "Parameters, recipe and cost of the training are unknown here: the run's record was not at hand."
        return
    for name, part in found.partitions.items():
        speakers = "an unknown number of" if part.speakers is None else str(part.speakers)
        yield f"{name.capitalize()}: {part.clips} clips of {speakers} speakers ({_listed(part.labels)})."
    if found.parameters:
        yield f"{found.parameters.total:,} parameters, {found.parameters.trainable:,} of them trained."
    yield from (f"Options of {name}: {_listed(options)}." for name, options in found.options.items() if options)
    epoch = "" if found.best_epoch is None else f", epoch {found.best_epoch} was the best on dev"
    yield f"Seed {found.seed}{epoch}."
    if found.seconds is not None:
        memory = "" if found.peak_memory_mb is None else f", {found.peak_memory_mb} MiB"
        yield f"Training took {found.seconds:.0f} s{memory}, on {found.hardware or 'unknown hardware'}."
    yield from (f"Measured by the plugin {name}: {_listed(facts)}." for name, facts in found.extensions.items())
    if "energy" not in found.extensions:
        yield "Energy of the training: not recorded."


def _listed(values: Mapping[str, Any]) -> str:
    """List what has names.

    >>> _listed({"epochs": 60, "noise": None, "loss": "focal", "dropout": [0, 0.1]})
    'epochs 60, noise none, loss focal, dropout [0, 0.1]'
    """
    return ", ".join(f"{name} {_said(value)}" for name, value in values.items())


def _said(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def limits(card: ModelCard) -> Iterator[str]:
    """Say how far the figures hold."""
    few = card.data.speakers
    if few is None or few < 10:  # noqa: PLR2004 - an interval from a handful is a rough one
        count = "an unknown number of" if few is None else str(few)
        yield f"Intervals come from a bootstrap over {count} speakers: they say little of others."
    yield (
        "Conditions are simulated, one at a time, at the model's sampling rate; a signal-to-noise ratio counts the "
        "whole clip. Real rooms and microphones bring several at once."
    )


def provenance(card: ModelCard) -> Iterator[str]:
    """Say where the file comes from, what it hears, and where the card was made."""
    told = card.metadata
    with suppress(KeyError, ValueError):  # of other writers
        yield f"It hears {in_words(input_spec_of(told))}, at {told['sampling_rate']} Hz."
    run, strategy = told.get("run_id") or "unknown", told.get("strategy") or "unknown"
    yield f"Run {run}; strategy {strategy}; SHA-256 of the file {card.sha256}."
    with suppress(KeyError, ValueError, AttributeError):
        packages = json.loads(told["packages"]).items()
        yield f"Made with {', '.join(f'{name} {version}' for name, version in packages)}."
    yield f"Measured with onnxruntime on {card.machine}, {card.date}, in {card.seconds:.0f} s."


def gap_lines(found: Subgroups) -> Iterator[str]:
    """Say how far groups are apart, and what is unknown."""
    for gap in found.gaps:
        span = f"{gap.gap.value:.3f} [{gap.gap.low:.3f}, {gap.gap.high:.3f}]"
        alone = "; a group is a single speaker, so that group and voice cannot be told apart" * gap.one_speaker
        yield (
            f"Largest gap by {gap.attribute}: {gap.best} is {span} above {gap.worst}, over the {gap.labels} labels "
            f"that both have{alone}."
        )
    for attribute, clips in found.unknown.items():
        yield f"Unknown {attribute}: {clips} clips."


def calibration_lines(found: Calibration) -> Iterator[str]:
    """Say how far probabilities can be believed."""
    for name, score in (("Expected calibration error", found.ece), ("Brier score", found.brier)):
        yield f"{name}: {score.value:.3f} [{score.low:.3f}, {score.high:.3f}]."
    tried, verdict = found.temperature, "helps" if found.temperature.helps else "does not surely help"
    yield (
        f"A temperature of {tried.value:.2f}, fitted on dev, {verdict}: the error on dev speakers that it was not "
        f"fitted on goes from {tried.ece_before.value:.3f} to {tried.ece_after.value:.3f}."
    )
    if found.abstention:
        held = found.abstention
        errors = "none is answered" if held.risk is None else f"of these {held.risk:.1%} are wrong"
        yield (
            f"The file may abstain below a probability of {held.below:.3f}, chosen on dev for {held.stated_risk:.1%} "
            f"errors: here it answers {held.coverage:.1%} of the clips, {errors}."
        )


def confusion_rows(card: ModelCard) -> list[list[str]]:
    """Lay out the confusion matrix with its head; rows are truth, columns prediction."""
    rows = [[label, *map(str, counts)] for label, counts in zip(card.labels, card.confusion, strict=True)]
    return [["truth / prediction", *card.labels], *rows]


def signed(value: float) -> str:
    """Write a difference with its sign.

    >>> signed(-0.05), signed(0.0)
    ('-0.050', '+0.000')
    """
    return f"{value:+.3f}"
