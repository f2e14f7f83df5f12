"""A training's loss and optimiser are what plugins registered under the names in its recipe."""

import pytest
import torch

from emonet_bench.config import Options, Training, option
from emonet_bench.errors import ConfigError
from emonet_bench.networks import build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin
from emonet_bench.training.loop import train
from emonet_bench.training.methods import methods_of
from emonet_bench.types import Loss, Optimizer, ParameterGroup, Plan, TargetSummary
from tests.toys import Toy, toy_clips, toy_set

CLIPS = toy_clips()
RECIPE = Training(epochs=1, batch_size=8, window=0.3, sampling_rate=1_000, device="cpu", precision="float32")


class Scale(Options):
    factor: float = option(2.0, "Factor.")


def scaled(options, summary):
    def mean(logits, targets, weight):
        return options.factor * torch.nn.functional.cross_entropy(logits, targets, weight)

    return mean


def signs(options, groups, rate):
    class Signs(torch.optim.SGD):
        """Moves every weight by the same length."""

        def step(self, closure=None):
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.grad = None if parameter.grad is None else parameter.grad.sign()
            return super().step(closure)

    return Signs(groups, rate)


@pytest.fixture
def plugins():
    loaded, origin = Plugins(Selection(names=("builtins",))), Origin("mine", "1.0", "mine")
    loaded.losses.add("scaled", Loss("scaled", Scale, scaled), origin)
    loaded.optimizers.add("signs", Optimizer("signs", Options, signs), origin)
    return loaded


def test_a_plugins_loss_is_built_with_the_recipes_options(plugins):
    logits, targets = torch.tensor([[1.0, 0.0]]), torch.tensor([0])
    plain = torch.nn.functional.cross_entropy(logits, targets)
    summary = TargetSummary(("a", "b"), (1, 1))
    for recipe, factor in ((Training(loss="scaled"), 2), (Training(loss="scaled", loss_options={"factor": 3}), 3)):
        assert methods_of(recipe, plugins).loss(summary)(logits, targets, None) == factor * plain


def test_a_training_uses_a_plugins_optimiser(plugins):
    torch.manual_seed(0)
    whole = build_classifier(Toy(), [toy_set(CLIPS)])
    plan = Plan(whole, [ParameterGroup(list(whole.heads.parameters()), weight_decay=0.0)])
    whole.network.requires_grad_(requires_grad=False)
    before = [parameter.detach().clone() for parameter in whole.heads.parameters()]
    recipe = RECIPE.model_copy(update={"optimizer": "signs", "steps_per_epoch": 1, "schedule": "cosine"})
    train(plan, {"toy": CLIPS}, {"toy": CLIPS}, recipe, 0, methods=methods_of(recipe, plugins))
    moved = [(now - then).abs() for now, then in zip(whole.heads.parameters(), before, strict=True)]
    for steps in moved:
        torch.testing.assert_close(steps, torch.full_like(steps, recipe.learning_rate))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (Training(loss="scled"), "training.loss: unknown loss 'scled'; did you mean 'scaled'?"),
        (Training(optimizer="sign"), "training.optimizer: unknown optimizer 'sign'; did you mean 'signs'?"),
        (Training(loss="scaled", loss_options={"facto": 1}), "loss.scaled.facto: unknown option"),
        (Training(optimizer_options={"eps": 0}), "optimizer.adamw.eps: input should be greater than 0"),
    ],
)
def test_a_wrong_name_or_option_is_one_line(plugins, recipe, message):
    with pytest.raises(ConfigError, match=message):
        methods_of(recipe, plugins)
