"""Per-corpus parts: one is active, and their tensors tell by name whose they are."""

import copy

import pytest
import torch
from torch import nn

from emonet_bench.networks import PerCorpus
from emonet_bench.networks.per_corpus import active, corpus_of, without_corpus


def test_a_corpus_may_be_called_like_a_method_of_torch():
    parts = PerCorpus({"train": nn.Identity(), "type": nn.ReLU()})
    parts.select("type")
    assert isinstance(parts.active, nn.ReLU)


def test_the_first_corpus_is_active_until_another_is_selected():
    parts = PerCorpus({"one": nn.Linear(2, 3), "two": nn.Linear(2, 5)})
    assert parts(torch.zeros(1, 2)).shape == (1, 3)
    parts.select("two")
    assert parts(torch.zeros(1, 2)).shape == (1, 5)
    assert parts.of("one") is not parts.active is parts.of("two")


def test_only_the_active_part_gets_gradients():
    parts = PerCorpus({"one": nn.Linear(2, 1), "two": nn.Linear(2, 1)})
    parts.select("two")
    parts(torch.ones(1, 2)).sum().backward()
    assert parts.of("one").weight.grad is None
    assert parts.of("two").weight.grad is not None


def test_a_copy_selects_for_itself():
    parts = PerCorpus({"one": nn.Identity(), "two": nn.ReLU()})
    other = copy.deepcopy(parts)
    other.select("two")
    assert isinstance(parts.active, nn.Identity)


@pytest.mark.parametrize("corpus", ["emodb", "for_x", "parts", "a-b_1"])
def test_tensors_are_told_apart_by_name_and_named_as_without_branches(corpus):
    network = nn.Sequential(nn.Linear(2, 2), PerCorpus({corpus: nn.Linear(2, 2)}))
    plain = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert [corpus_of(name) for name in network.state_dict()] == [None, None, corpus, corpus]
    assert [without_corpus(name) for name in network.state_dict()] == list(plain.state_dict())


def test_a_module_without_branches_is_its_own_active_part():
    plain, parts = nn.ReLU(), PerCorpus({"one": nn.Identity()})
    assert active(plain) is plain
    assert active(parts) is parts.of("one")
