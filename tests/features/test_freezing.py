"""The frozen part of a network: its own, or all of it where nothing trains."""

import pytest
import torch
from torch import nn

from emonet_bench.features.freezing import frozen, frozen_id
from emonet_bench.networks import PerCorpus
from tests.toys import FrozenToy, Toy

BUILT = {"architecture": ["toy", "1.0", {}]}


def still():
    torch.manual_seed(0)
    return Toy().requires_grad_(requires_grad=False).eval()


def test_a_network_that_splits_itself_is_asked():
    network = FrozenToy()
    assert frozen_id(network, BUILT) == network.frozen_id()
    waveform = torch.randn(2, 300)
    assert torch.equal(frozen(network.eval(), waveform, None).values, network.frozen(waveform, None).values)


def test_of_a_network_in_which_nothing_trains_the_embedding_is_the_frozen_part():
    waveform, lengths = torch.randn(3, 500), torch.tensor([500, 300, 20])
    network = still()
    found = frozen(network, waveform, lengths)
    assert found.lengths is None
    assert torch.equal(found.values, network.embed(waveform, lengths))


def test_its_identity_is_that_of_its_weights_and_of_what_built_it():
    assert frozen_id(still(), BUILT) == frozen_id(still(), BUILT)
    assert frozen_id(still(), BUILT) != frozen_id(still(), {"architecture": ["toy", "1.1", {}]})
    moved = still()
    moved.norm.running_mean[0] += 1e-3
    assert frozen_id(moved, BUILT) != frozen_id(still(), BUILT)


@pytest.mark.parametrize("part", ["pool", "dense", "norm"])
def test_where_a_parameter_trains_nothing_is_frozen_as_a_whole(part):
    network = still()
    next(getattr(network, part).parameters()).requires_grad_()
    assert frozen_id(network, BUILT) is None


def test_parts_of_a_single_corpus_are_no_frozen_whole():
    network = still()
    network.adapter = PerCorpus({"one": nn.Identity(), "two": nn.Identity()})
    assert frozen_id(network, BUILT) is None


def test_a_network_of_which_nobody_says_what_built_it_is_not_known():
    assert frozen_id(still(), None) is None
