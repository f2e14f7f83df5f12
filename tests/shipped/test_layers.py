"""Layers that the shipped networks tell: all that they learn, in order."""

import pytest
import torch

from emonet_bench.config import parse
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import InputSpec

SMALL = {
    "num_mels": 16,
    "num_mfccs": 8,
    "classifier": "FCNAttention",
    "number_of_filters": 2,
    "number_of_resnet_blocks": 2,
    "hidden_dim": 6,
    "number_of_layers": 3,
}
CHANGED = {"input_bn": True, "use_attention": True, "input_projection": True, "classifier": "rnn"}


def built(name, changes):
    architecture = Plugins(corpora=False).architectures[name]
    known = architecture.options.model_fields
    given = {option: value for option, value in {**SMALL, **changes}.items() if option in known}
    return architecture.build(parse(architecture.options, given, name), InputSpec())


@pytest.mark.parametrize("changes", [{}, CHANGED], ids=["plain", "with all parts"])
@pytest.mark.parametrize("name", ["cnn", "rnn", "fusion"])
def test_the_layers_hold_all_that_a_network_learns(name, changes):
    network = built(name, changes)
    told = [parameter for layer in network.ordered_layers() for parameter in layer.parameters()]
    assert len(told) == len(set(told))
    assert set(told) == set(network.parameters())


@pytest.mark.parametrize("changes", [{}, CHANGED], ids=["plain", "with all parts"])
@pytest.mark.parametrize("name", ["cnn", "rnn"])
def test_a_forward_pass_meets_the_layers_in_their_order(name, changes):
    network, met = built(name, changes), []
    for number, layer in enumerate(network.ordered_layers()):
        for part in layer.modules():
            if list(part.parameters(recurse=False)):
                part.register_forward_hook(lambda *_, number=number: met.append(number))
    network.eval().embed(torch.randn(1, 16_000), None)
    assert met == sorted(met)
    assert set(met) == {number for number, layer in enumerate(network.ordered_layers()) if list(layer.parameters())}
