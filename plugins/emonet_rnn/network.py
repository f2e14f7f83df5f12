"""The recurrent network: features, pooled over time, through LSTM or GRU layers to one vector for each clip."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from emonet_bench.frontend.spectrogram import LogMel, Mfcc
from emonet_bench.networks import MaskedBatchNorm
from emonet_bench.types import AdapterPoint, InputSpec
from emonet_rnn.attention import SelfAttention, WeightedAttention
from emonet_rnn.options import RecurrentOptions, RnnOptions


class RnnNetwork(nn.Module):
    """EmoNet's recurrent network (arXiv 2103.08310): front end and ``RecurrentTrunk``.

    Attributes:
        dim: Size D of the embedding.
    """

    def __init__(self, options: RnnOptions, input_spec: InputSpec) -> None:
        super().__init__()
        self.input_spec = dataclasses.replace(input_spec, window=None)  # it hears whole clips
        if options.features == "mfcc":
            self.front_end: LogMel = Mfcc(options, input_spec.sampling_rate, options.num_mfccs)
        else:
            self.front_end = LogMel(options, input_spec.sampling_rate)
        self.trunk = RecurrentTrunk(self.front_end.bands, options)
        self.dim = self.trunk.dim

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, D)."""
        return self.trunk.embed_features(*self.front_end(waveform, lengths))

    def ordered_layers(self) -> Sequence[nn.Module]:
        """Return the trunk's layers."""
        return self.trunk.ordered_layers()

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name the trunk's places for per-corpus parts."""
        return self.trunk.adapter_points("trunk.")


class RecurrentTrunk(nn.Module):
    """Features to embedding: batch norm, average pooling over time, projection, recurrent layers, attention pooling.

    Attributes:
        dim: Size D of the embedding.
    """

    def __init__(self, bands: int, options: RecurrentOptions) -> None:
        super().__init__()
        hidden, count = options.hidden_dim, options.number_of_layers
        self.dim = hidden * (2 if options.bidirectional else 1)
        self.bands, self.down_pool = bands, options.down_pool
        self.share_attention = options.share_attention
        self.input_norm = MaskedBatchNorm(bands) if options.input_bn else None
        self.projection = nn.Linear(bands, hidden) if options.input_projection else nn.Identity()
        first = hidden if options.input_projection else bands
        self.layers = nn.ModuleList(RecurrentLayer(self.dim if i else first, options) for i in range(count))
        between = count - 1 if options.use_attention else 0
        self.attentions = nn.ModuleList(SelfAttention(self.dim) for _ in range(between))
        self.pooling = WeightedAttention(self.dim)

    def embed_features(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """Embed features.

        Args:
            features: (N, bands, T).
            mask: (N, 1, T), one where a frame is valid; None where all are.

        Returns:
            (N, D).
        """
        if self.input_norm is not None:
            features = self.input_norm(features, mask)
        pooled, valid = average_frames(features, mask, self.down_pool)  # (N, bands, T'), (N, 1, T')
        frames = None if mask is None else valid.sum((1, 2))  # (N,)
        sequence = self.projection(pooled.transpose(1, 2))  # (N, T', hidden)
        for index, layer in enumerate(self.layers):
            sequence = layer(sequence, frames)
            if index < len(self.attentions):
                sequence = self.attentions[index](sequence, valid)
        embedding: Tensor = self.pooling(sequence, valid)
        return embedding

    def ordered_layers(self) -> Sequence[nn.Module]:
        """Return what stands before the recurrent layers, these with the attention behind each, and the pooling."""
        first = nn.ModuleList(part for part in (self.input_norm, self.projection) if part is not None)
        layers = [nn.ModuleList([layer, *self.attentions[i : i + 1]]) for i, layer in enumerate(self.layers)]
        return [first, *layers, self.pooling]

    def adapter_points(self, prefix: str = "") -> Mapping[str, AdapterPoint]:
        """Name the places for per-corpus parts; ``prefix`` is the path to this module."""
        dim = self.dim
        points = [AdapterPoint(f"layers.{i}.adapter", "sequence", dim, dim) for i in range(len(self.layers))]
        if self.input_norm is not None:
            points.append(AdapterPoint("input_norm", "norm", self.bands, self.bands))
        if not self.share_attention:
            points += [AdapterPoint(f"attentions.{i}", "pooling", dim, dim) for i in range(len(self.attentions))]
        points.append(AdapterPoint("pooling", "pooling", dim, dim))
        return {prefix + point.path: dataclasses.replace(point, path=prefix + point.path) for point in points}


class RecurrentLayer(nn.Module):
    """One LSTM or GRU layer and the slot for a corpus's adapter behind it."""

    def __init__(self, inputs: int, options: RecurrentOptions) -> None:
        super().__init__()
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[options.cell_type]
        self.dropout = nn.Dropout1d(options.rnn_dropout)  # one draw for all frames of a clip (Gal and Ghahramani, 2016)
        self.cell = kind(inputs, options.hidden_dim, batch_first=True, bidirectional=options.bidirectional)
        self.adapter: nn.Module | None = None

    def forward(self, sequence: Tensor, frames: Tensor | None) -> Tensor:
        """Map (N, T, inputs), of which ``frames`` (N,) are valid, to (N, T, D)."""
        sequence = self.dropout(sequence.transpose(1, 2)).transpose(1, 2)
        with torch.autocast(sequence.device.type, enabled=False):  # not every CPU has bfloat16 LSTMs
            sequence = sequence.to(self.cell.weight_ih_l0.dtype)
            if frames is None or not self.cell.bidirectional:  # forwards, padding comes after all that counts
                sequence = self.cell(sequence)[0]
            else:
                sequence = run_packed(self.cell, sequence, frames)
        return sequence if self.adapter is None else self.adapter(sequence)


def run_packed(cell: nn.RNNBase, sequence: Tensor, frames: Tensor) -> Tensor:
    """Run a cell over the valid frames alone, so that the backward direction starts at a clip's own end.

    Args:
        cell: An LSTM or GRU, batch first.
        sequence: (N, T, inputs).
        frames: (N,) valid frames of each clip, at least one.

    Returns:
        (N, T, D), zero where frames are not valid.
    """
    packed = pack_padded_sequence(sequence, frames.cpu(), batch_first=True, enforce_sorted=False)
    outputs, _ = pad_packed_sequence(cell(packed)[0], batch_first=True, total_length=sequence.shape[1])
    return outputs


def average_frames(features: Tensor, mask: Tensor | None, size: int) -> tuple[Tensor, Tensor]:
    """Average every ``size`` frames into one, over the valid ones among them.

    Args:
        features: (N, bands, T).
        mask: (N, 1, T), one where a frame is valid; None where all are.
        size: Frames that make one; the last may be made of fewer.

    Returns:
        (N, bands, T') with T' = ceil(T / size), and the mask (N, 1, T') of the new frames.

    >>> average_frames(torch.tensor([[[1.0, 3.0, 5.0]]]), None, 2)
    (tensor([[[2., 5.]]]), tensor([[[1, 1]]]))
    """
    weight = torch.ones_like(features[:, :1]) if mask is None else mask.to(features.dtype)
    share = F.avg_pool1d(F.pad(weight, (0, size - 1)), size)  # of each new frame's cells, how many are valid
    total = F.avg_pool1d(F.pad(features * weight, (0, size - 1)), size)
    return total / share.clamp_min(1 / size), (share > 0).long()
