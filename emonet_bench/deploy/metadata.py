"""Metadata of an exported file: its labels, and what of a clip its model really hears."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NamedTuple

from emonet_bench.audio.decoding import HIGHEST_RATE, LOWEST_RATE
from emonet_bench.errors import DISTRIBUTION, ConfigError
from emonet_bench.types import InputSpec, Target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REMEDY = "export the run again with 'emonet-bench export'"

_SCHEMA = 2  # of files whose target is no label; those of labels are as they were, of version 1


class Facts(NamedTuple):
    """What is read of a file's metadata.

    Attributes:
        labels: Its labels, or of a bank those of each task; of values the attributes.
        input_spec: What it hears.
        target: What it predicts; None: one of its labels.
    """

    labels: list[str] | dict[str, list[str]]
    input_spec: InputSpec
    target: Target | None = None


def heard(input_spec: InputSpec) -> dict[str, str]:
    """Say in metadata what a model hears: ``sampling_rate``, and in seconds ``window`` and ``hop``, empty for none.

    >>> heard(InputSpec(16_000, 48_000, 24_000))
    {'sampling_rate': '16000', 'window': '3.0', 'hop': '1.5'}
    """
    rate = input_spec.sampling_rate
    window, hop = ("" if n is None else str(n / rate) for n in (input_spec.window, input_spec.hop))
    return {"sampling_rate": str(rate), "window": window, "hop": hop}


def in_words(input_spec: InputSpec) -> str:
    """Say in words what a model hears.

    >>> in_words(InputSpec(16_000, 48_000))
    'the centred 3.0 s of a clip'
    """
    facts = heard(input_spec)
    if input_spec.window is None:
        return "the whole clip"
    if input_spec.hop is None:
        return f"the centred {facts['window']} s of a clip"
    return f"windows of {facts['window']} s, one every {facts['hop']} s, and averages their logits"


def read_facts(path: Path, metadata: Mapping[str, str]) -> Facts:
    """Read the metadata of a file that ``emonet-bench export`` wrote.

    Raises:
        ConfigError: It is not there, damaged, or of a newer version.
    """
    try:
        version, labels = int(metadata["schema_version"]), json.loads(metadata["labels"])
        input_spec, target = input_spec_of(metadata), target_said(metadata)
    except KeyError as error:
        raise ConfigError(f"{path}: an ONNX file, but without emonet-bench's metadata ({error}); {REMEDY}") from error
    except (ValueError, OverflowError, RecursionError, ConfigError) as error:
        raise ConfigError(f"{path}: its metadata is damaged ({error}); {REMEDY}") from error
    if version > _SCHEMA:
        raise ConfigError(f"{path}: written by a newer emonet-bench (schema {version}); pip install -U {DISTRIBUTION}")
    if not LOWEST_RATE <= input_spec.sampling_rate <= HIGHEST_RATE or not (target or _are_labels(labels)):
        raise ConfigError(f"{path}: its metadata is damaged (labels or sampling_rate); {REMEDY}")
    return Facts(labels, input_spec, target)


def target_said(metadata: Mapping[str, str]) -> Target | None:
    """Read what a file predicts, where that is not one of some labels.

    Raises:
        ValueError: It is none.
        ConfigError: Its names or scales make no target.

    >>> target_said({"labels": '["arousal"]', "target": '{"name": "a", "kind": "values", "scales": [[1, 7]]}'}).output
    'values'
    """
    if not metadata.get("target"):
        return None
    told, labels = json.loads(metadata["target"]), json.loads(metadata["labels"])
    if not isinstance(labels, list):
        raise ValueError("target: of one task only")  # noqa: TRY004 - the file is at fault
    try:
        scales = tuple((float(low), float(high)) for low, high in told["scales"])
        return Target(str(told["name"]), told["kind"], tuple(map(str, labels)), scales)
    except (KeyError, TypeError) as error:
        raise ValueError(f"target: {error}") from error


def target_text(target: Target) -> str:
    """Say in metadata what a file predicts, beside its ``labels``."""
    return json.dumps({"name": target.name, "kind": target.kind, "scales": target.scales}, ensure_ascii=False)


def input_spec_of(metadata: Mapping[str, str]) -> InputSpec:
    """Read what a model hears.

    Raises:
        KeyError: There is no ``sampling_rate``.
        ValueError: A number is none.
    """
    rate = int(metadata["sampling_rate"])
    window, hop = (float(metadata.get(name) or 0) * rate for name in ("window", "hop"))
    if not (math.isfinite(window) and math.isfinite(hop) and window >= 0 and hop >= 0):
        raise ValueError("window or hop")
    return InputSpec(rate, round(window) or None, round(hop) or None)


def of_task(text: str, task: str | None) -> str:
    """Return a value of the metadata; where a bank's tasks differ in it, that of one of them.

    >>> of_task('{"a": "CC0", "b": "CC BY"}', "b"), of_task("CC0", "b")
    ('CC BY', 'CC0')
    """
    if task is None or not text.startswith("{"):
        return text
    try:
        each = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return str(each.get(task, "")) if isinstance(each, dict) else text


def _are_labels(labels: object) -> bool:
    """Tell whether these are two or more different labels, or such a list for each of some tasks."""
    if isinstance(labels, dict):
        return bool(labels) and all(isinstance(own, list) and _are_labels(own) for own in labels.values())
    if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
        return False
    return len(set(labels)) == len(labels) > 1
