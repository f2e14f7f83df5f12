"""Optimisers and schedulers: stages, and the learning rate of a step and of a group."""

import pytest
import torch

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError
from emonet_bench.training.optimisers import rate_factor, set_rate, stages, torch_groups
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
