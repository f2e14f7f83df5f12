"""Frozen features' contract: a network that splits itself is its two halves, whichever way features are kept."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from emonet_bench.features.clips import KeptFeatures
from emonet_bench.testing.bench import Bench
from emonet_bench.testing.contracts import BrokenError
from emonet_bench.testing.signals import LABELS
from emonet_bench.types import FrozenFeatures

HALF = 1e-3
"""Largest difference of an embedding whose features were kept in float16, as a part of its largest number, or of 1."""
EXACT = 1e-9
CLOSE = 1e-4
"""Largest difference by padding, in float64 and in float32, as a part of the largest feature."""


@torch.no_grad()
def cached_features(bench: Bench) -> None:
    """What a network splits off is deterministic, padding-invariant and all that its embedding needs, in float16, too.

    ``embed`` is ``embed_frozen`` of ``frozen`` to the last bit, and ``frozen_id`` names the same network the same.
    """
    network: Any = bench.stirred().network
    if not hasattr(network, "frozen") or network.frozen_id() is None:
        return
    again: Any = bench.stirred().network
    if not network.frozen_id() or network.frozen_id() != again.frozen_id():
        raise BrokenError("frozen_id() differed between two networks of the same weights and options, or was empty")
    waveforms = [bench.hear([length])[0].float() for length in bench.clips]
    alone = [network.frozen(waveform, None) for waveform in waveforms]
    for waveform, features in zip(waveforms, alone, strict=True):
        if not torch.equal(network.frozen(waveform, None).values, features.values):
            raise BrokenError("frozen gave other numbers for the same clip the second time")
        direct = network.embed(waveform, None)
        if not torch.equal(direct, network.embed_frozen(features)):
            delta = _delta(direct, network.embed_frozen(features))
            raise BrokenError(f"embed differed from embed_frozen(frozen(...)) by {delta:.2g}")
    _hold_float16(bench, waveforms)
    _hold_batch(network, alone)
    _hold_padding(bench, network, CLOSE)
    _hold_padding(bench, bench.stirred().double().network, EXACT)


def _hold_float16(bench: Bench, waveforms: list[Tensor]) -> None:
    """Compare before a fit: what is standardised by it magnifies the rounding by as much as it divides by."""
    network: Any = bench.classifier(labels=LABELS[:2]).network
    for waveform in waveforms:
        values, lengths = network.frozen(waveform, None)
        direct, half = network.embed(waveform, None), values.half()
        if not half.isfinite().all():
            return  # too large for float16: the store says so
        delta = _delta(direct, network.embed_frozen(FrozenFeatures(half.float(), lengths)))
        if not delta <= HALF * _largest(direct):
            raise BrokenError(f"an embedding of features that were kept in float16 differed by {delta:.2g}")


def _hold_batch(network: Any, alone: list[FrozenFeatures]) -> None:
    """Embed clips from one batch, as training does."""
    rows = [_row(features, 0) for features in alone]
    kept = KeptFeatures(rows, alone[0].lengths is not None, rows[0].device)
    batch = network.embed_frozen(kept.gather(range(len(rows))))
    single = torch.cat([network.embed_frozen(features) for features in alone])
    if not _delta(batch, single) <= CLOSE * _largest(single):
        raise BrokenError(f"embed_frozen of a padded batch differed by {_delta(batch, single):.2g} from each alone")


def _hold_padding(bench: Bench, network: Any, tolerance: float) -> None:
    dtype = torch.float64 if tolerance == EXACT else torch.float32
    for lengths in bench.batches():
        waveform, valid = bench.hear(lengths, padding=bench.input_spec.sampling_rate // 3)
        together = network.frozen(waveform.to(dtype), valid)
        for place, length in enumerate(lengths):
            own = network.frozen(bench.hear([length])[0].to(dtype), None)
            one, other = _row(own, 0), _row(together, place)
            if one.shape != other.shape:
                raise BrokenError(f"frozen gave {tuple(other.shape)} in a batch and {tuple(one.shape)} alone")
            if not _delta(one, other) <= tolerance * _largest(one):
                raise BrokenError(f"frozen differed by {_delta(one, other):.2g} in a padded batch ({dtype})")


def _row(features: FrozenFeatures, place: int) -> Tensor:
    row = features.values[place]
    return row if features.lengths is None else row[: int(features.lengths[place])]


def _largest(tensor: Tensor) -> float:
    return max(1.0, float(tensor.abs().max()))


def _delta(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).abs().max())
