"""Adapter parts: idle ones do nothing, stirred ones do, and batch norms are found."""

import pytest
import torch
from torch import nn

from emonet_bench.networks import MaskedBatchNorm
from emonet_bench.testing.parts import batch_norms, idle_part, stir
from emonet_bench.types import AdapterPoint


def points():
    torch.manual_seed(0)
    frames = torch.randn(2, 3, 8, 6, dtype=torch.float64)
    sequence = torch.randn(2, 5, 4, dtype=torch.float64)
    return {
        "conv": (AdapterPoint("", "conv", 3, 7, stride=2), None, frames, torch.zeros(2, 7, 4, 3).double()),
        "sequence": (AdapterPoint("", "sequence", 4, 4), None, sequence, sequence),
        "pooling": (AdapterPoint("", "pooling", 4, 1), dense := nn.Linear(4, 1).double(), sequence, dense(sequence)),
    }


@pytest.mark.parametrize("kind", points())
def test_an_idle_part_changes_nothing_and_a_stirred_one_does(kind):
    point, present, inputs, unchanged = points()[kind]
    part = idle_part(point, present)
    assert torch.equal(part(inputs), unchanged)
    stir(part)
    assert part(inputs).shape == unchanged.shape
    assert not torch.allclose(part(inputs), unchanged)


def test_what_stands_at_a_point_is_copied_and_not_shared():
    present = nn.Linear(4, 1)
    weight = present.weight.clone()
    stir(idle_part(AdapterPoint("", "pooling", 4, 1), present))
    assert torch.equal(present.weight, weight)


def test_stirring_moves_every_parameter_and_every_statistic_to_where_no_fault_hides():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), MaskedBatchNorm(4))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    stir(module)
    for name, tensor in module.state_dict().items():
        assert name.endswith("num_batches_tracked") or not (tensor == before[name]).any(), name
    for norm in batch_norms(module):
        assert (norm.running_var > 0.4).all()


def test_batch_norms_of_every_kind_are_found_at_any_depth():
    inner = nn.Sequential(MaskedBatchNorm(2), nn.LayerNorm(2))
    module = nn.Sequential(nn.BatchNorm2d(2), inner, nn.Linear(2, 2))
    assert list(batch_norms(module)) == [module[0], inner[0]]
    assert list(batch_norms(nn.Linear(2, 2))) == []
