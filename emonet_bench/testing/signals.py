"""Test signals: noise to hear and clips to fit, small and the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from emonet_bench.data.dataset import Clips
from emonet_bench.types import InputSpec, Target, TargetKind

LABELS = ("hum", "hiss", "hush")

TARGETS: Mapping[TargetKind, tuple[tuple[float, ...], ...]] = {
    "votes": ((0.75, 0.25, 0), (0, 0.75, 0.25), (0.25, 0, 0.75)),
    "label-set": ((1, 0, 0), (0, 1, 1), (0, 0, 1)),
    "values": ((0.5, -0.5, 0), (0.25, 0.75, -0.25), (-0.75, -0.25, 0.25)),
}
"""What each label's clips say of other targets, as ``emonet_bench.data.targets.target_vector`` does."""


def samples(seconds: Sequence[float], input_spec: InputSpec) -> list[int]:
    """Turn seconds into samples; 0 stands for a single one."""
    return [max(1, round(second * input_spec.sampling_rate)) for second in seconds]


def noise(lengths: Sequence[int], *, padding: int = 0) -> tuple[Tensor, Tensor]:
    """Make clips of noise, loud noise behind their ends, and their lengths.

    Args:
        lengths: Samples of each clip.
        padding: Samples beyond the longest.

    Returns:
        (N, S) float64 and (N,); a clip sounds the same whatever its neighbours.
    """
    size = max(lengths) + padding
    rows = []
    for length in lengths:
        generator = torch.Generator().manual_seed(length)
        clip = 0.1 * torch.randn(length, generator=generator, dtype=torch.float64)
        behind = torch.randn(size - length, generator=generator, dtype=torch.float64)
        rows.append(torch.cat([clip, behind]))
    return torch.stack(rows), torch.tensor(lengths)


def clips(input_spec: InputSpec, seed: int, each: int = 6) -> Clips:
    """Make clips of three labels that differ in colour and loudness, from half a second to a second long."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(len(LABELS)).repeat(each)
    half = input_spec.sampling_rate // 2
    lengths = torch.randint(half, 2 * half, (len(targets),), generator=generator)
    waves = []
    for target, length in zip(targets.tolist(), lengths.tolist(), strict=True):
        white = torch.randn(length + 8, generator=generator)
        coloured = white.unfold(0, 9, 1).mean(-1) if target == 0 else white[:length]
        waves.append(coloured * (0.02 if target == LABELS.index("hush") else 0.2))
    return Clips(
        samples=(torch.cat(waves) * 32767).clamp(-32768, 32767).to(torch.int16),
        starts=lengths.cumsum(0) - lengths,
        lengths=lengths,
        targets=targets,
        labels=LABELS,
        names=tuple(f"{i}.wav" for i in range(len(targets))),
        speakers=(None,) * len(targets),
        sampling_rate=input_spec.sampling_rate,
    )


def target_of(kind: TargetKind, names: tuple[str, ...] = LABELS) -> Target:
    """Make a target of a kind; values lie on a scale from 1 to 7."""
    return Target("kit", kind, names, ((1, 7),) * len(names) if kind == "values" else ())


def clips_of(kind: TargetKind, input_spec: InputSpec, seed: int, names: tuple[str, ...] = LABELS) -> Clips:
    """Make the clips of ``clips`` with a target of a kind.

    Args:
        kind: What they say.
        input_spec: What is heard of them.
        seed: Of their audio.
        names: Up to three labels or attributes; of fewer labels only the clips that have one of them.
    """
    made = clips(input_spec, seed)
    if kind == "label":
        return replace(made.select((made.targets < len(names)).nonzero()[:, 0]), labels=names)
    rows = torch.tensor(TARGETS[kind], dtype=torch.float32)[made.targets][:, : len(names)]  # (N, K)
    if kind == "votes":
        rows = rows / rows.sum(1, keepdim=True)
    return replace(made, targets=rows, labels=names, target=target_of(kind, names))
