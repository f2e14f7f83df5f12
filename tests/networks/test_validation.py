"""Network validation: what is no network, and weights that nobody trains or keeps, are told before training."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from emonet_bench.errors import PluginError
from emonet_bench.networks.validation import check_network, check_registered
from tests.toys import Toy


def test_a_network_passes():
    check_network(Toy(), "toy")
    check_registered(Toy())


class Odd(Toy):
    def __init__(self, **given):
        super().__init__()
        for name, value in given.items():
            setattr(self, name, value)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (None, "architecture odd: build must return an nn.Module; got NoneType; mend it"),
        (SimpleNamespace(dim=8), "got SimpleNamespace"),
        (nn.Linear(1, 1), "whose dim is the size of its embedding, a whole number; got None"),
        (Odd(dim=8.0), "got 8.0"),
        (Odd(dim=0), "got 0"),
        (Odd(embed=None), "with a method embed; Odd has none"),
        (Odd(adapter_points={}), "with a method adapter_points; Odd has none"),
    ],
)
def test_what_is_no_network_is_told_in_one_line(network, said):
    with pytest.raises(PluginError, match=said):
        check_network(network, "odd")


@pytest.mark.parametrize(
    "hidden",
    [
        [nn.Linear(1, 1)],
        {"a": nn.Linear(1, 1)},
        ([nn.Linear(1, 1)],),
        [nn.Parameter(torch.zeros(1))],
        torch.zeros(1, requires_grad=True),
    ],
)
def test_weights_that_are_no_parameters_are_told_with_their_place(hidden):
    whole = nn.Sequential(Toy(), Odd(layers=hidden))
    with pytest.raises(PluginError, match=r"^1\.layers holds weights that are no parameters .* nn\.ModuleList"):
        check_registered(whole)


def test_frozen_weights_and_lists_of_what_is_registered_are_no_fault():
    network = Odd(teacher=[nn.Linear(1, 1).requires_grad_(requires_grad=False)], note="text", table=torch.zeros(3))
    network.order = [network.dense, network.pool.weight]
    check_registered(network)
