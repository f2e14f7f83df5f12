"""Descriptors are frozen, and each is registered by the hook of its kind."""

from dataclasses import FrozenInstanceError, fields

import pytest

from emonet_bench.config import Options
from emonet_bench.errors import ConfigError
from emonet_bench.types import Augmentation, ExecutorKind, Loss, Metric, Optimizer, ReportFormat

MADE = {
    "loss": lambda name: Loss(name, Options, build=None),
    "metric": lambda name: Metric(name, ("label",), compute=None),
    "optimizer": lambda name: Optimizer(name, Options, build=None),
    "augmentation": lambda name: Augmentation(name, Options, build=None),
    "report format": lambda name: ReportFormat(name, Options, render=None),
    "executor": lambda name: ExecutorKind(name, Options, start=None),
}


@pytest.mark.parametrize("kind", MADE)
def test_a_descriptor_is_frozen_and_its_name_can_stand_in_a_file_name(kind):
    made = MADE[kind]("mine-2")
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(made)[0].name, "other")
    with pytest.raises(ConfigError, match=f"{kind} name 'my own': use letters"):
        MADE[kind]("my own")


def test_a_loss_takes_labels_unless_it_says_otherwise():
    assert Loss("mine", Options, build=None).kinds == ("label",)


def test_an_augmentation_changes_waveforms_unless_it_says_otherwise():
    assert Augmentation("mine", Options, build=None).on == "waveform"
