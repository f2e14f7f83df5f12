"""The fused architecture against its parts and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from emonet_cnn.options import ResNetOptions
from emonet_fusion.network import FusionNetwork
from emonet_fusion.options import FusionOptions
from emonet_rnn.options import RecurrentOptions

from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.types import InputSpec

SMALL = {"num_mels": 16, "number_of_filters": 2, "number_of_resnet_blocks": 1, "hidden_dim": 6}


def network(**options):
    torch.manual_seed(0)
    return FusionNetwork(FusionOptions(**SMALL, **options), InputSpec()).double().eval()


def noise(*lengths):
    torch.manual_seed(1)
    waveform = 0.1 * torch.randn(len(lengths), max(lengths), dtype=torch.float64)
    return waveform, torch.tensor(lengths)


def attention(pooling, maps):
    """EmoNet's attention over the positions of one clip's feature map (C, M, T): e = 0.3 u.tanh(Wx + b)."""
    parameters = [parameter.detach().numpy() for parameter in pooling.parameters()]
    (w,) = (p for p in parameters if p.ndim == 2 and p.shape[0] > 1)
    (u,) = (p[0] for p in parameters if p.ndim == 2 and p.shape[0] == 1)
    (b,) = (p for p in parameters if p.ndim == 1)
    columns = [maps[:, m, t] for m in range(maps.shape[1]) for t in range(maps.shape[2])]
    powers = np.exp([0.3 * u @ np.tanh(w @ x + b) for x in columns])
    return sum(power * x for power, x in zip(powers / powers.sum(), columns, strict=True))


def test_both_branches_hear_the_same_decibels_of_the_clip_alone():
    made = network()
    waveform, lengths = noise(16_000, 7_000)
    with torch.no_grad():
        embedding = made.embed(waveform, lengths).numpy()
        for row, clip, length in zip(embedding, waveform, lengths, strict=True):
            features, _ = made.front_end(clip[None, :length])
            assert features.max() == 0  # decibels under the clip's own maximum
            assert features.min() >= -80
            maps, _ = made.resnet(features, None)
            np.testing.assert_allclose(row[:16], attention(made.pooling, maps[0].numpy()), atol=1e-10)
            np.testing.assert_allclose(row[16:], made.recurrent.embed_features(features, None)[0], atol=1e-10)


def test_the_embedding_holds_the_channels_and_the_units_of_both_branches():
    made = network(bidirectional=True)
    assert made.dim == 8 * 2 + 2 * 6
    assert made.embed(*noise(9_000)).shape == (1, made.dim)


def test_a_loud_neighbour_does_not_change_a_clips_embedding():
    made = network()
    waveform, lengths = noise(16_000, 7_000)
    waveform[1] *= 1e-3
    with torch.no_grad():
        together, alone = made.embed(waveform, lengths)[1], made.embed(waveform[1:, :7_000], lengths[1:])[0]
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-9)


def test_the_options_are_those_of_both_branches_and_the_front_end():
    parents = (ResNetOptions, RecurrentOptions, FrontEndOptions)
    assert set(FusionOptions.model_fields) == {name for parent in parents for name in parent.model_fields}
    for parent in parents:
        for name, field in parent.model_fields.items():
            assert FusionOptions.model_fields[name].default == field.default


@pytest.mark.parametrize("kind", ["conv", "sequence", "norm", "pooling"])
def test_both_branches_offer_their_places_to_adapters(kind):
    paths = [point.path for point in network().adapter_points().values() if point.kind == kind]
    expected = {"conv": {"resnet"}, "sequence": {"recurrent"}, "norm": {"resnet"}, "pooling": {"pooling", "recurrent"}}
    assert {path.partition(".")[0] for path in paths} == expected[kind]
