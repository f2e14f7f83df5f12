"""Optimisers and schedulers: stages, and the learning rate of a step and of a group."""

import pytest
import torch

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError, Skipped
from emonet_bench.training.optimisers import layer_wise, rate_factor, set_rate, stages, torch_groups
from emonet_bench.types import ParameterGroup


def test_stages_cap_all_epochs_together_for_one_corpus_and_each_stage_for_several():
    recipe = Training(schedule="stages", patience=5, epochs=10, learning_rate=0.1)
    assert [stage.last_epoch for stage in stages(recipe, corpora=1)] == [10, 10, 10]
    assert [stage.last_epoch for stage in stages(recipe, corpora=3)] == [10, 20, 30]


def test_stages_without_patience_are_refused_by_name():
    with pytest.raises(ConfigError, match=r"training\.patience"):
        stages(Training(schedule="stages"), corpora=1)


def test_the_cosine_rises_to_the_recipes_rate_and_falls_to_zero():
    factors = [rate_factor(Training(), step, 200) for step in range(200)]
    assert max(factors) == 1.0
    assert factors[:20] == sorted(factors[:20])
    assert factors[20:] == sorted(factors[20:], reverse=True)
    assert factors[-1] < 1e-3


def test_groups_have_their_own_rate_and_weight_decay():
    parts = [torch.nn.Parameter(torch.ones(2)) for _ in range(3)]
    groups = [
        ParameterGroup(parts[:1], 0.5, 0.1),
        ParameterGroup(parts[1:2]),
        ParameterGroup([]),
        ParameterGroup(parts[2:], rate=3),
    ]
    made = torch.optim.SGD(torch_groups(groups, Training(weight_decay=0.2), 0.01), 0.01)
    assert [group["lr"] for group in made.param_groups] == pytest.approx([0.001, 0.01, 0.03])
    assert [group["weight_decay"] for group in made.param_groups] == [0.5, 0.2, 0.2]
    set_rate(made, 1.0)
    assert [group["lr"] for group in made.param_groups] == pytest.approx([0.1, 1.0, 3.0])


class Layers(torch.nn.Module):
    """Three layers, of which one learns nothing, and a mix of what they give."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.mix = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)

    def ordered_layers(self):
        return [self.first, torch.nn.Identity(), self.second]


def rates(groups):
    return {parameter: group.rate for group in groups for parameter in group.parameters}


def test_rates_fall_from_the_head_down_layer_by_layer():
    network = Layers()
    kernels, biases = ([each for each in network.parameters() if each.dim() == dim] for dim in (2, 1))
    groups = layer_wise([ParameterGroup(kernels, 0.3), ParameterGroup(biases, 0.0, 2.0)], network, 0.5)
    found = rates(groups)
    assert [found[part.weight] for part in (network.first, network.second, network.mix)] == [0.25, 0.5, 1.0]
    assert [found[part.bias] for part in (network.first, network.second, network.mix)] == [0.5, 1.0, 2.0]
    decays = {parameter: group.weight_decay for group in groups for parameter in group.parameters}
    assert decays == {**dict.fromkeys(kernels, 0.3), **dict.fromkeys(biases, 0.0)}


def test_at_one_nothing_changes():
    groups = [ParameterGroup(list(Layers().parameters()))]
    assert layer_wise(groups, Layers(), 1.0) is groups


def test_a_network_that_does_not_tell_its_layers_is_skipped_with_the_remedy():
    with pytest.raises(Skipped, match=r"training\.layer_decay: Linear does not tell its layers; leave it at 1"):
        layer_wise([], torch.nn.Linear(1, 1), 0.5)
