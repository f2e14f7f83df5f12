"""Comparison of two exported files, pairwise on the same clips: scores, every condition, gaps, calibration, cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from emonet_bench.errors import ConfigError
from emonet_bench.escaping import markdown, markdown_code, markdown_table
from emonet_bench.files import write_text
from emonet_bench.model_card.measuring import Measured
from emonet_bench.model_card.record import DEMOGRAPHIC, Change, ModelCard
from emonet_bench.model_card.scoring import change_of
from emonet_bench.model_card.subgroups import LEAST
from emonet_bench.model_card.words import signed
from emonet_bench.runs.facts import Line, Part


class Pair(Part):
    """One figure of both files."""

    what: Line = Field(description="What was measured.")
    first: float = Field(description="Of the first file.")
    second: float = Field(description="Of the other one.")
    change: Change | None = Field(None, description="The first minus the second, paired, where clips can be drawn.")


class CardComparison(Part):
    """Content of ``comparison.json``."""

    first: Line = Field(description="Name of the first file.")
    second: Line = Field(description="Name of the other one.")
    grades: tuple[Line, Line] = Field(description="Their robustness.")
    pairs: list[Pair] = Field(description="Every figure.")


def compare_measured(first: Measured, second: Measured) -> CardComparison:
    """Compare two files that were measured alike.

    Raises:
        ConfigError: They were not measured on the same clips, or tell other labels apart.
    """
    names = [[one.name for one in side.scored.clips.utterances] for side in (first, second)]
    if names[0] != names[1] or set(first.scored.labels) != set(second.scored.labels):
        raise ConfigError(
            f"--against: {first.card.file} and {second.card.file} tell other labels apart or were measured on other "
            "clips; give two files of one corpus and protocol"
        )
    return CardComparison(
        first=first.card.file,
        second=second.card.file,
        grades=(_letter(first.card), _letter(second.card)),
        pairs=[
            _uar(first, second),
            *_recalls(first.card, second.card),
            *_conditions(first, second),
            *_groups(first, second),
            *_figures(first.card, second.card),
        ],
    )


def write_comparison(found: CardComparison, directory: Path) -> Path:
    """Write ``comparison.md`` and ``comparison.json``; return the first."""
    write_text(directory / "comparison.json", found.model_dump_json(indent=2) + "\n")
    write_text(directory / "comparison.md", render_comparison(found))
    return directory / "comparison.md"


def render_comparison(found: CardComparison) -> str:
    """Render a comparison as Markdown."""
    rows = [(markdown(one.what), f"{one.first:.3f}", f"{one.second:.3f}", _change(one)) for one in found.pairs]
    names = [markdown_code(name) for name in (found.first, found.second)]
    table = markdown_table(("", *names, "difference, paired"), rows)
    grades = " and ".join(markdown(grade) for grade in found.grades)
    return (
        f"# {' against '.join(names)}\n\nRobustness: {grades}. Differences are the first minus the second, with the "
        f"95 % interval of a paired bootstrap over speakers and its p value, uncorrected.\n\n{table}\n"
    )


def _change(pair: Pair) -> str:
    if pair.change is None:
        return signed(pair.first - pair.second)
    change = pair.change
    return f"{signed(change.difference)} [{signed(change.low)}, {signed(change.high)}], p {change.p:.3f}"


def _letter(card: ModelCard) -> str:
    return card.robustness.grade.letter or "not graded"


def _uar(first: Measured, second: Measured) -> Pair:
    change = change_of(first.scored, first.scored.predicted, second.scored.predicted)
    return Pair(what="UAR", first=first.card.uar.value, second=second.card.uar.value, change=change)


def _recalls(first: ModelCard, second: ModelCard) -> Iterator[Pair]:
    yield Pair(what="accuracy", first=first.accuracy, second=second.accuracy)
    for label, recall in first.recall.items():
        other = second.recall[label]
        if recall is not None and other is not None:
            yield Pair(what=f"recall of {label}", first=recall, second=other)


def _conditions(first: Measured, second: Measured) -> Iterator[Pair]:
    """Compare conditions that both files were measured under; at other sampling rates some are missing."""
    others = {one.name: one for one in second.card.robustness.conditions}
    for one in first.card.robustness.conditions:
        if one.name in others:
            yield Pair(
                what=f"UAR, {one.name}",
                first=one.uar.value,
                second=others[one.name].uar.value,
                change=change_of(first.changed, first.predicted[one.name], second.predicted[one.name]),
            )


def _groups(first: Measured, second: Measured) -> Iterator[Pair]:
    """Compare on the clips of each group of persons, and of each speaker, that has enough of them."""
    for attribute in (*DEMOGRAPHIC, "speaker"):
        for group, places in first.members[attribute].items():
            if len(places) >= LEAST:
                own, other = (side.scored.select(places.tolist()) for side in (first, second))
                change = change_of(own, own.predicted, other.predicted)
                pair = (own.uar().value, other.uar().value)
                yield Pair(what=f"UAR, {attribute} {group}", first=pair[0], second=pair[1], change=change)


def _figures(first: ModelCard, second: ModelCard) -> Iterator[Pair]:
    gaps = [{gap.attribute: gap.gap.value for gap in card.subgroups.gaps} for card in (first, second)]
    for attribute in [name for name in gaps[0] if name in gaps[1]]:
        yield Pair(what=f"largest gap by {attribute}", first=gaps[0][attribute], second=gaps[1][attribute])
    calibrations = first.calibration, second.calibration
    yield Pair(what="expected calibration error", first=calibrations[0].ece.value, second=calibrations[1].ece.value)
    yield Pair(what="Brier score", first=calibrations[0].brier.value, second=calibrations[1].brier.value)
    others = {one.kind: one.confidence for one in second.out_of_domain}
    for one in first.out_of_domain:
        if one.kind in others:
            yield Pair(what=f"mean probability, {one.kind}", first=one.confidence, second=others[one.kind])
    costs = first.cost[0], second.cost[0]
    yield Pair(what="size, MiB", first=costs[0].bytes / 2**20, second=costs[1].bytes / 2**20)
    yield Pair(what="seconds to the first answer", first=costs[0].load_seconds, second=costs[1].load_seconds)
    memory = costs[0].peak_memory_mb, costs[1].peak_memory_mb
    if memory[0] is not None and memory[1] is not None:
        yield Pair(what="peak memory, MiB", first=memory[0], second=memory[1])
    yield Pair(what="milliseconds per second of audio", first=costs[0].milliseconds, second=costs[1].milliseconds)
