"""Small things that several tests need: a network of two layers and clips that are easy to tell apart."""

import torch
from torch import nn

from emonet_bench.data.dataset import Clips
from emonet_bench.features.identity import identify
from emonet_bench.networks import MaskedBatchNorm
from emonet_bench.types import AdapterPoint, FrozenFeatures, TrainingSet


class Toy(nn.Module):
    """Energy in eight stretches of the clip, then a dense layer, a batch norm and an adapter slot."""

    dim = 8

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(8, 8)
        self.norm = MaskedBatchNorm(8)
        self.adapter = None
        self.pool = nn.Linear(8, 8)

    def embed(self, waveform, lengths):
        columns = torch.arange(waveform.shape[1])
        lengths = torch.full(waveform.shape[:1], waveform.shape[1]) if lengths is None else lengths
        energy = (waveform * (columns < lengths[:, None])).square()
        bands = torch.stack([(energy * torch.cos(columns * k * 0.1)).sum(-1) / lengths for k in range(8)], -1)
        hidden = self.norm(self.dense(bands * 10))
        if self.adapter is not None:
            hidden = self.adapter(hidden[:, None])[:, 0]
        return self.pool(torch.relu(hidden))

    def adapter_points(self):
        return {
            "adapter": AdapterPoint("adapter", "sequence", 8, 8),
            "norm": AdapterPoint("norm", "norm", 8, 8),
            "pool": AdapterPoint("pool", "pooling", 8, 8),
        }


def toy_clips(count=40, labels=("high", "low"), seed=0):
    """Tones whose loudness tells the label, of various lengths."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(400, 900, (count,), generator=generator)
    targets = torch.arange(count) % len(labels)
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)[:-1]])
    rows = []
    for length, target in zip(lengths.tolist(), targets.tolist(), strict=True):
        loudness = 4000 * (target + 1) * (0.8 + 0.4 * torch.rand(1, generator=generator))
        rows.append((torch.sin(torch.arange(length) * 0.3) * loudness).to(torch.int16))
    return Clips(
        samples=torch.cat(rows),
        starts=starts,
        lengths=lengths,
        targets=targets,
        labels=tuple(labels),
        names=tuple(f"{i:03}" for i in range(count)),
        speakers=tuple(f"s{i % 4}" for i in range(count)),
        sampling_rate=1_000,
    )


def toy_set(clips, corpus="toy"):
    return TrainingSet(corpus, clips.labels, len(clips))


class FrozenToy(nn.Module):
    """Frames of 100 samples through a frozen dense layer, then a dense layer that trains and the mean over frames.

    With ``rows``, the mean stands before the layer that trains: one row for each clip.
    """

    dim = 8

    def __init__(self, *, rows=False):
        super().__init__()
        self.rows, self.computed = rows, 0
        self.backbone = nn.Linear(100, 12).requires_grad_(requires_grad=False)
        self.dropout = nn.Dropout(0.3)
        self.dense = nn.Linear(12, 8)

    def frozen(self, waveform, lengths):
        self.computed += len(waveform)
        size = waveform.shape[1]
        lengths = torch.full(waveform.shape[:1], size) if lengths is None else lengths
        waveform = waveform * (torch.arange(size) < lengths[:, None])
        frames = nn.functional.pad(waveform, (0, -size % 100)).reshape(len(waveform), -1, 100)
        hidden = self.dropout(torch.tanh(self.backbone(10 * frames)))
        counts = (lengths + 99) // 100
        return FrozenFeatures(_mean(hidden, counts)) if self.rows else FrozenFeatures(hidden, counts)

    def embed_frozen(self, features):
        hidden = torch.relu(self.dense(features.values))
        return hidden if features.lengths is None else _mean(hidden, features.lengths)

    def embed(self, waveform, lengths):
        return self.embed_frozen(self.frozen(waveform, lengths))

    def frozen_id(self):
        if self.backbone.weight.requires_grad:
            return None
        return identify({"rows": self.rows}, self.backbone.state_dict(), [FrozenToy])

    def adapter_points(self):
        return {}


def _mean(hidden, counts):
    mask = torch.arange(hidden.shape[1]) < counts[:, None]
    return (hidden * mask[..., None]).sum(1) / counts[:, None]
