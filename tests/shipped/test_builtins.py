"""Losses and optimisers that come with the host are registered as anybody's, and are torch's and the papers' own."""

import pytest
import torch

from emonet_bench.config import Training, parse
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.training.methods import methods_of
from emonet_bench.types import ParameterGroup, TargetSummary

PLUGINS = Plugins(Selection(names=("builtins",), strict=True))
LOGITS, TARGETS = torch.tensor([[2.0, -1.0], [0.3, 0.1], [-1.0, 1.0]]), torch.tensor([0, 1, 1])


def loss(**recipe):
    return methods_of(Training(**recipe), PLUGINS).loss(
        TargetSummary(("a", "b"), (1, 2), label_smoothing=recipe.get("label_smoothing", 0.0))
    )


def test_crossentropy_takes_the_recipes_label_smoothing():
    weight = torch.tensor([0.5, 2.0])
    expected = torch.nn.functional.cross_entropy(LOGITS, TARGETS, weight, label_smoothing=0.2)
    assert torch.equal(loss(label_smoothing=0.2)(LOGITS, TARGETS, weight), expected)


def test_focal_without_focus_is_a_share_of_the_crossentropy():
    expected = torch.nn.functional.cross_entropy(LOGITS, TARGETS)
    found = loss(loss="focal", loss_options={"gamma": 0.0, "alpha": 0.5})(LOGITS, TARGETS, None)
    torch.testing.assert_close(found, 0.5 * expected)


def test_only_the_ordinal_loss_needs_an_order():
    assert [name for name, made in PLUGINS.losses.items() if made.ordered] == ["ordinal"]


DEFAULTS = {
    "sgd": lambda groups: torch.optim.SGD(groups, 0.01, momentum=0.9),
    "rmsprop": lambda groups: torch.optim.RMSprop(groups, 0.01),
    "adam": lambda groups: torch.optim.Adam(groups, 0.01),
    "adadelta": lambda groups: torch.optim.Adadelta(groups, 0.01),
    "adamw": lambda groups: torch.optim.AdamW(groups, 0.01),
}


def test_every_optimiser_is_tried():
    assert DEFAULTS.keys() == PLUGINS.optimizers.keys()


@pytest.mark.parametrize("name", DEFAULTS)
def test_without_options_an_optimiser_has_torchs_settings(name):
    weight = torch.nn.Parameter(torch.ones(2))
    made = methods_of(Training(optimizer=name, weight_decay=0.1), PLUGINS).optimizer([ParameterGroup([weight])], 0.01)
    expected = DEFAULTS[name]([{"params": [weight], "lr": 0.01, "weight_decay": 0.1}])
    assert type(made) is type(expected)
    assert made.defaults == expected.defaults
    (own,) = made.param_groups
    assert {**own, "params": 0} == {**expected.param_groups[0], "rate": 1.0, "params": 0}


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_option_of_an_optimiser_reaches_it(name):
    model = PLUGINS.optimizers[name].options
    other = {key: [0.5, 0.7] if key == "betas" else 0.25 for key in model.model_fields}
    weight = torch.nn.Parameter(torch.ones(2))
    made = PLUGINS.optimizers[name].build(parse(model, other, name), [{"params": [weight]}], 0.01)
    for key, value in other.items():
        assert made.defaults[key] == (tuple(value) if isinstance(value, list) else value)
