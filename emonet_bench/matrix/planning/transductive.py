"""Transductive protocols: which cells cannot be run where features are standardised by speaker."""

from __future__ import annotations

from emonet_bench.runs.spec import RunSpec


def untransferable(spec: RunSpec) -> str | None:
    """Say why a cell is left out that would take a network of, or to, a protocol that standardises by speaker.

    Returns:
        The reason, of a cell that starts from another run, is taught by one, or scores one elsewhere; else None.
    """
    refs = (*spec.trained_corpora(), *spec.scored_corpora())
    asked = [ref.protocol for ref in refs if ref.speaker_normalised]
    if spec.source is None or not asked:
        return None
    return (
        f"protocol {asked[0]!r} standardises features by speaker, which no other run's network has heard; only what "
        "starts from nothing goes with it"
    )
