"""Descriptors are frozen, and each is registered by the hook of its kind."""

import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields

import pytest

from emonet_bench.config import Options
from emonet_bench.errors import ConfigError
from emonet_bench.types import Augmentation, ExecutorKind, Loss, Metric, Optimizer, ReportFormat, deferred

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


def test_a_deferred_function_is_imported_when_it_is_called_and_can_be_pickled():
    name = "colorsys"  # of the standard library, and nothing here needs it
    sys.modules.pop(name, None)
    function = pickle.loads(pickle.dumps(deferred(f"{name}:rgb_to_hsv", 0.0)))
    assert name not in sys.modules
    assert function(0.0, 1.0) == (0.6666666666666666, 1.0, 1.0)  # blue


def test_registering_metrics_imports_no_numpy():
    code = "import sys, emonet_builtins; emonet_builtins.emonet_metrics(); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
