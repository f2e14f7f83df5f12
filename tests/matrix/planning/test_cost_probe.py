"""The cost probe: a real training step, and large batches estimated from small ones."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from emonet_bench.config import Options
from emonet_bench.matrix.planning import cost_probe
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin
from emonet_bench.types import Architecture
from tests.toys import FrozenToy
from tests.written import trainable_spec as spec


def test_a_probe_measures_time_and_memory_of_a_training_step():
    small = {"num_mels": 16, "n_fft": 256, "hop": 256, "number_of_resnet_blocks": 1, "number_of_filters": 4}
    measured = cost_probe.probe(spec("cnn", **small), Selection())
    assert 0 < measured.seconds < 60
    assert measured.memory_mb > 50


class Metered(nn.Module):
    """Takes 0.1 s and 100 MiB, and 0.05 s and 10 MiB more for each clip, as its own clock and meter tell."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.now, self.memory, self.batches = 0.0, 0, []

    def forward(self, waveform):
        self.batches.append(len(waveform))
        self.now += 0.1 + 0.05 * len(waveform)
        self.memory = max(self.memory, 100 + 10 * len(waveform))
        return self.weight.expand(len(waveform), 2)


@pytest.fixture
def metered(monkeypatch):
    network = Metered()
    monkeypatch.setattr(cost_probe, "build_classifier", lambda *_: network)
    monkeypatch.setattr(cost_probe, "time", SimpleNamespace(perf_counter=lambda: network.now))
    monkeypatch.setattr(cost_probe, "peak_memory_mb", lambda _: network.memory)
    return network


@pytest.mark.parametrize("batch_size", [2, 6, 7, 32, 500])
def test_time_and_memory_are_those_of_a_whole_batch(metered, batch_size):
    measured = cost_probe.probe(spec("chance", batch_size), Selection())
    assert measured.seconds * batch_size == pytest.approx(0.1 + 0.05 * batch_size)
    assert measured.memory_mb == 100 + 10 * batch_size


def test_a_large_batch_is_never_tried_on_a_cpu(metered):
    cost_probe.probe(spec("chance", 500), Selection())
    assert max(metered.batches) < 10


class Toys(Options):
    """The architecture has no options."""


def frozen_toy(monkeypatch):
    """Let the plugins know a network with a frozen part that takes a second for each clip it hears."""
    network = FrozenToy()
    clock = SimpleNamespace(now=0.0)
    frozen = network.frozen

    def slow(waveform, lengths):
        clock.now += len(waveform)
        return frozen(waveform, lengths)

    network.frozen = slow
    loaded = Plugins()
    loaded.architectures.add("toy", Architecture("toy", "toy", Toys, lambda *_: network), Origin("toys", "1", "tests"))
    monkeypatch.setattr(cost_probe, "Plugins", lambda _: loaded)
    monkeypatch.setattr(cost_probe, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return network


def toy_spec(**recipe):
    given = spec("chance", batch_size=32)
    changed = given.training.model_copy(update=recipe)
    return given.model_copy(update={"architecture": "toy", "architecture_options": {}, "training": changed})


def test_where_features_are_kept_no_epoch_pays_for_the_frozen_part_which_is_measured_by_itself(monkeypatch):
    network = frozen_toy(monkeypatch)
    measured = cost_probe.probe(toy_spec(window=None), Selection())
    assert (measured.seconds, measured.extraction, measured.frozen_id) == (0.0, 1.0, network.frozen_id())


@pytest.mark.parametrize("recipe", [{"window": None, "features": "off"}, {"window": 0.5}])
def test_where_features_are_not_kept_every_epoch_pays_for_the_frozen_part(monkeypatch, recipe):
    frozen_toy(monkeypatch)
    measured = cost_probe.probe(toy_spec(**recipe), Selection())
    assert (measured.seconds, measured.extraction, measured.frozen_id) == (1.0, 0.0, "")
