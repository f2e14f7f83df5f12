"""Variants: the options that tell apart the ways to get a network, those aside that a search has chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emonet_bench.runs.search import Search
from emonet_bench.runs.spec import RunSpec


def architecture_name(spec: RunSpec) -> str:
    """Name the architecture; where it was searched, all that it was chosen from: folds may have chosen others."""
    names = spec.search.space.get("architecture") if spec.search else None
    return "/".join(names) if isinstance(names, list) else spec.architecture


def variant(spec: RunSpec, source: str | None) -> dict[str, Any]:
    """Return the options of a run that were given, as ``architecture.NAME``, ``strategy.NAME`` and ``training.NAME``.

    Args:
        spec: The run's.
        source: What it started from, in words.
    """
    if spec.external:
        return {"source": None}
    parts = {
        "architecture": spec.architecture_options,
        "strategy": spec.strategy_options,
        "training": spec.training.model_dump(mode="json"),
    }
    options = {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}
    for kind in ("loss", "optimizer", "augmentation"):  # tables within the training: an option each
        options |= dict(_flat(f"training.{kind}", options.pop(f"training.{kind}_options", {})))
    if spec.teacher is not None:
        options |= {f"strategy.teacher.{name}": value for name, value in spec.teacher.options.items()}
    if spec.unlabelled is not None:
        source = f"{source or spec.strategy}, and unlabelled {'+'.join(spec.unlabelled)}"
    if spec.search is not None:
        options = _not_searched(options, spec, spec.search) | {"search": spec.search.study_id}
    return {**options, "source": source}


def _not_searched(options: Mapping[str, Any], spec: RunSpec, search: Search) -> dict[str, Any]:
    """Leave out the options that a search has chosen: its runs are one way to get a network, whatever it chose."""
    parts = {f"options.{spec.architecture}": "architecture", f"options.{spec.strategy}": "strategy"}
    owners = [key.rpartition(".") for key in search.space]
    searched = {f"{parts.get(owner, owner)}.{name}" for owner, _, name in owners}
    named = "architecture" in search.space
    return {
        key: value
        for key, value in options.items()
        if key not in searched and not (named and key.startswith("architecture."))
    }


def _flat(where: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{where}.{name}", value)
        else:
            yield f"{where}.{name}", value
