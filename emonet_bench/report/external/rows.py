"""Rows of external predictions: what is predicted of one clip, held against the target that it is predicted of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emonet_bench.errors import CorpusError
from emonet_bench.metrics.choice import KIND_NAMES
from emonet_bench.runs.predictions import COLUMNS, PREFIX
from emonet_bench.runs.target_predictions import PREFIXES, TRUTH
from emonet_bench.types import Target, TargetKind, names
from emonet_bench.validation_messages import did_you_mean

UTTERANCE = "utterance"
GUESSES = ("label", "prediction")
"""The names that the column of predicted labels may have."""

PASSED_OVER = frozenset({*COLUMNS, "fold", "file", "start", "end"} - {UTTERANCE, *GUESSES})
"""Columns that are left alone; where ``partition`` stands, rows of another than test are, too."""

OBJECTS: Mapping[TargetKind, Literal["probabilities", "scores", "values"]] = {
    "label": "probabilities",
    "votes": "probabilities",
    "label-set": "scores",
    "values": "values",
}
"""What a line of JSON calls the numbers that are predicted."""

_OTHERS: Mapping[TargetKind, str] = {kind: PREFIXES[kind] for kind in ("label-set", "values")}
_ROUNDING = 1e-5  # of a probability: tables have six digits
_SUM = 1e-3  # how far a row's sum may be from 1
_LONGEST = 80  # characters of a wrong value in a message


@dataclass(frozen=True)
class ExternalRow:
    """The prediction of one clip.

    Attributes:
        line: Where it stands in its file.
        utterance: Which clip.
        label: The predicted label; None where the target is no label.
        numbers: (K,) what is predicted of each label or attribute, in declared order; None where the file gives labels
            only.
    """

    line: int
    utterance: str
    label: str | None
    numbers: tuple[float, ...] | None


def prefix(target: Target) -> str:
    """Return what stands before a name in the title of its column."""
    return PREFIX if target.kind == "label" else PREFIXES[target.kind]


def read_row(where: str, line: int, fields: Mapping[str, Any], target: Target) -> ExternalRow:
    """Read the prediction of one clip.

    Args:
        where: The file and the line, for messages.
        line: The line.
        fields: What stands there, by the names of columns; those of numbers with their prefix.
        target: What is predicted.

    Raises:
        CorpusError: It is no such prediction; one line.
    """
    utterance = fields.get(UTTERANCE)
    if not isinstance(utterance, str) or not utterance:
        raise CorpusError(f"{where}: no utterance; name the clip")
    _check_names(where, fields, target)
    numbers = _numbers(where, fields, target)
    if target.kind != "label":
        if numbers is None:
            raise CorpusError(f"{where}: {short(utterance)} has no {OBJECTS[target.kind]}; fill them in")
        return ExternalRow(line, utterance, None, numbers)
    return ExternalRow(line, utterance, _label(where, short(utterance), fields, target, numbers), numbers)


def short(text: str) -> str:
    """Cut a text for a message."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _label(
    where: str, utterance: str, fields: Mapping[str, Any], target: Target, numbers: tuple[float, ...] | None
) -> str:
    guess, labels = _guess(where, fields, target), target.names
    if numbers is None:
        if guess is None:
            raise CorpusError(f"{where}: {utterance} has neither a label nor probabilities; fill one in")
        return guess
    likeliest = max(range(len(labels)), key=numbers.__getitem__)  # of equals the first, as torch's argmax
    if guess is not None and numbers[labels.index(guess)] < numbers[likeliest] - _ROUNDING:
        raise CorpusError(
            f"{where}: the label {guess!r} is not the most probable, {labels[likeliest]!r} is; leave the labels out"
        )
    return labels[likeliest] if guess is None else guess


def _check_names(where: str, fields: Mapping[str, Any], target: Target) -> None:
    own = {prefix(target) + name for name in target.names}
    if target.kind == "label":
        known, what = {UTTERANCE, *GUESSES, *PASSED_OVER, *own}, "a label of the corpus"
    else:
        known = {UTTERANCE, *PASSED_OVER, *own, *(TRUTH + name for name in target.names)}
        what = "an attribute of the target" if target.kind == "values" else "a label of the target"
        if guess := next((name for name in GUESSES if name in fields), None):
            wanted = f"{OBJECTS[target.kind]} of {names(target.names)}"
            raise CorpusError(f"{where}: a {guess} says nothing of {KIND_NAMES[target.kind]}; give {wanted}")
    if strange := next((name for name in fields if name not in known), None):
        others = [kind for kind, start in _OTHERS.items() if kind != target.kind and strange.startswith(start)]
        if others:
            theirs, ours = KIND_NAMES[others[0]], KIND_NAMES[target.kind]
            raise CorpusError(
                f"{where}: {short(strange)!r} is a column of {theirs}, and {ours} are asked for; give another "
                "--protocol or --challenge, or other predictions"
            )
        shown = strange.removeprefix(prefix(target))
        hint = did_you_mean(shown, {*target.names, UTTERANCE, *(GUESSES if target.kind == "label" else ())})
        raise CorpusError(f"{where}: {short(shown)!r} is neither {what} nor a known column{hint}")


def _guess(where: str, fields: Mapping[str, Any], target: Target) -> str | None:
    given = [fields[name] for name in GUESSES if fields.get(name) not in (None, "")]
    if len(given) > 1:
        raise CorpusError(f"{where}: both {names(GUESSES)} are given; keep the one with the predicted labels")
    if not given:
        return None
    if given[0] not in target.names:
        raise CorpusError(f"{where}: {short(str(given[0]))!r} is not a label{did_you_mean(given[0], target.names)}")
    return str(given[0])


def _numbers(where: str, fields: Mapping[str, Any], target: Target) -> tuple[float, ...] | None:
    titles = {name: prefix(target) + name for name in target.names}
    given = {name: fields[title] for name, title in titles.items() if fields.get(title) not in (None, "")}
    if not given:
        return None
    what = prefix(target).removesuffix(":")
    if missing := [name for name in target.names if name not in given]:
        rest = ", or a label alone" if target.kind == "label" else ""
        raise CorpusError(f"{where}: no {what} of {names(missing)}; give all {len(target.names)}{rest}")
    values = tuple(_number(f"{where}: {name}", value, target) for name, value in given.items())
    if target.output == "probabilities" and abs(math.fsum(values) - 1) > _SUM:
        raise CorpusError(f"{where}: the probabilities sum to {math.fsum(values):.6g}, not to 1; give softmax's")
    return values


def _number(where: str, value: Any, target: Target) -> float:
    """Read a number; a label's probability to the six digits that a run's predictions are written with."""
    what = prefix(target).removesuffix(":")
    try:
        number = float(f"{float(value):.6g}" if target.kind == "label" else value)
    except (TypeError, ValueError):
        number = math.nan
    if target.kind == "values":
        if isinstance(value, bool) or not math.isfinite(number):
            raise CorpusError(f"{where}: {short(str(value))!r} is no {what}; give a number on the scale")
    elif isinstance(value, bool) or not 0 <= number <= 1:  # which is true of NaN
        raise CorpusError(f"{where}: {short(str(value))!r} is no {what}; give a number from 0 to 1")
    return number
