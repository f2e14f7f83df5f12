"""The cost probe: a real training step, and large batches estimated from small ones."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from emonet_bench.config import Training
from emonet_bench.matrix import cost_probe
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.spec import RunSpec


def spec(architecture, batch_size=4, **options):
    registered = Plugins().architectures[architecture].options
    return RunSpec(
        corpus="c",
        protocol="p",
        architecture=architecture,
        architecture_options=registered(**options).model_dump(mode="json"),
        strategy="scratch",
        strategy_options={},
        training=Training(batch_size=batch_size, window=0.5, device="cpu", precision="float32"),
        seed=0,
    )


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
