"""The networks that strategies are tried on."""

import pytest
import torch

from emonet_bench.testing.architectures import check_architecture
from emonet_bench.testing.networks import ADAPTABLE, PLAIN, AdaptableNetwork, PlainNetwork


@pytest.mark.parametrize("architecture", [ADAPTABLE, PLAIN], ids=lambda architecture: architecture.name)
def test_the_networks_that_strategies_are_tried_on_keep_the_contracts(architecture):
    check_architecture(architecture)


def test_one_has_an_adapter_point_of_each_kind_and_the_other_none():
    kinds = [point.kind for point in AdaptableNetwork().adapter_points().values()]
    assert sorted(kinds) == ["conv", "norm", "pooling", "sequence"]
    assert not PlainNetwork().adapter_points()


def test_a_plain_embedding_is_the_mean_of_its_frames():
    torch.manual_seed(0)
    network, waveform = PlainNetwork(), torch.randn(1, 96)
    frames = torch.relu(network.dense(waveform.reshape(3, 32)))  # three frames without overlap
    torch.testing.assert_close(network.embed(waveform, None), frames.mean(0, keepdim=True))


@pytest.mark.parametrize("network", [AdaptableNetwork, PlainNetwork])
def test_any_length_from_one_sample_up_is_embedded(network):
    for size in (1, 31, 32, 33, 500):
        assert network().eval().embed(torch.ones(2, size), None).shape == (2, 6)
