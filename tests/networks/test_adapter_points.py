"""Adapter points: found by their path, filled once for each corpus."""

import copy

import pytest
from torch import nn

from emonet_bench.networks import PerCorpus, install_per_corpus
from emonet_bench.networks.adapter_points import parent_and_attribute
from tests.toys import Toy


def test_a_dotted_path_gives_the_module_that_owns_it_and_the_attribute():
    network = nn.Sequential(nn.Sequential(nn.Linear(2, 2)))
    assert parent_and_attribute(network, "0.0.weight") == (network[0][0], "weight")
    assert parent_and_attribute(network, "0") == (network, "0")


def test_a_path_that_leads_nowhere_is_pytorchs_error():
    with pytest.raises(AttributeError, match="absent"):
        parent_and_attribute(Toy(), "absent.weight")


def test_only_points_of_the_asked_kinds_are_filled_and_each_corpus_has_a_part_of_its_own():
    network = Toy()
    pool, norm = network.pool, network.norm
    (installed,) = install_per_corpus(network, ["one", "two"], {"pooling": lambda _, present: copy.deepcopy(present)})
    assert network.pool is installed
    assert len({id(part) for part in (pool, installed.of("one"), installed.of("two"))}) == 3
    assert installed.of("two").weight.equal(pool.weight)
    assert network.norm is norm
    assert network.adapter is None


def test_an_empty_slot_is_given_as_none_with_the_sizes_of_its_point():
    network, seen = Toy(), []

    def make(point, present):
        seen.append((point.inputs, point.outputs, present))
        return nn.Linear(point.inputs, point.outputs)

    install_per_corpus(network, ["one", "two"], {"sequence": make})
    assert seen == [(8, 8, None)] * 2
    assert isinstance(network.adapter, PerCorpus)


def test_nothing_is_installed_where_no_point_is_of_the_kind():
    assert install_per_corpus(Toy(), ["one"], {"conv": lambda *_: nn.Identity()}) == []
