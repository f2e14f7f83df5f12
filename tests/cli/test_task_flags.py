"""Flags that the commands of every architecture have in common, and EmoNet's recipes."""

from __future__ import annotations

import pytest
import rich_click as click

from emonet_bench.cli import task_flags
from emonet_bench.cli.task_flags import JOINT_RECIPE, RECIPE, in_flags
from emonet_bench.config import Options, Training
from emonet_bench.types import Strategy

SETS = {
    "single": task_flags.single_data,
    "joint": task_flags.joint_data,
    "run": task_flags.run,
    "evaluation": task_flags.evaluation,
}


def strategies(*names):
    return {name: Strategy(name, Options, print) for name in names}


@pytest.mark.parametrize("recipe", [RECIPE, JOINT_RECIPE])
def test_a_recipe_sets_options_of_training_to_other_values_than_its_own(recipe):
    defaults = Training().model_dump()
    assert recipe.keys() <= defaults.keys()
    made = Training(**{**recipe, "window": 1.0}).model_dump()
    assert {name for name in recipe if made[name] != defaults[name]} >= {"epochs", "optimizer", "learning_rate"}


def test_the_joint_recipe_differs_only_in_its_epochs_and_their_steps():
    assert set(JOINT_RECIPE.items()) - set(RECIPE.items()) == {("epochs", 50), ("steps_per_epoch", 20)}


@pytest.mark.parametrize("name", SETS)
def test_no_flag_stands_twice_in_a_command_and_each_has_a_help(name):
    parameters = SETS[name]()
    flags = [flag for parameter in parameters for flag in parameter.opts]
    assert len(flags) == len(set(flags))
    assert all(parameter.help.endswith(".") for parameter in parameters)


@pytest.mark.parametrize(
    ("known", "required", "default"), [(("adapters", "scratch"), False, "scratch"), (("adapters",), True, None)]
)
def test_the_mode_is_from_scratch_where_there_is_such_a_strategy(known, required, default):
    flag = task_flags.mode(strategies(*known))
    assert (list(flag.type.choices), flag.required) == (list(known), required)
    assert flag.to_info_dict()["default"] == default


def test_a_strategy_is_asked_for_only_where_there_are_several():
    assert task_flags.strategy(strategies("multi-task")) == []
    (flag,) = task_flags.strategy(strategies("multi-task", "pooled"))
    assert (flag.default, list(flag.type.choices)) == ("multi-task", ["multi-task", "pooled"])


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("set training.window", "set -w/--window"),
        ("options.my-net.num_mels: 0; training.window", "-nm/--num-mels: 0; -w/--window"),
        ("options.a+b.num_mels", "-nm/--num-mels"),
        ("training.windowing and mytraining.window stay", "training.windowing and mytraining.window stay"),
        ("training.epochs has no flag here", "training.epochs has no flag here"),
    ],
)
def test_messages_say_flags_instead_of_options_of_a_matrix(message, told):
    parameters = [click.RichOption(["-w", "--window"]), click.RichOption(["-nm", "--num-mels"])]
    assert in_flags(message, parameters) == told
