"""The contract of frozen features: networks that keep it pass, and planted faults are found."""

import itertools

import pytest
import torch

from emonet_bench.config import Options
from emonet_bench.testing.bench import Bench
from emonet_bench.testing.contracts import BrokenError
from emonet_bench.testing.frozen_features import cached_features
from emonet_bench.types import Architecture, FrozenFeatures, InputSpec
from tests.toys import FrozenToy, Toy


def bench(build):
    return Bench(Architecture("toy", "toy", Options, lambda *_: build()), Options(), InputSpec(sampling_rate=1_000))


@pytest.mark.parametrize("rows", [False, True])
def test_a_network_that_is_its_two_halves_passes(rows):
    made = []
    cached_features(bench(lambda: made.append(FrozenToy(rows=rows)) or made[-1]))
    assert sum(network.computed for network in made) > 0, "the frozen half was asked"


def test_a_network_that_splits_nothing_off_is_left_alone():
    assert not hasattr(Toy, "frozen")
    cached_features(bench(Toy))


def test_a_network_whose_frozen_half_trains_is_left_alone():
    class Trains(FrozenToy):
        def __init__(self):
            super().__init__()
            self.backbone.requires_grad_(requires_grad=True)

    made = []
    cached_features(bench(lambda: made.append(Trains()) or made[-1]))
    assert [network.computed for network in made] == [0] * len(made), "nothing is split off"


class HasNoNameOfItsOwn(FrozenToy):
    numbers = itertools.count()

    def frozen_id(self):
        return str(next(self.numbers))


class HasAnEmptyName(FrozenToy):
    def frozen_id(self):
        return ""


class IsRandom(FrozenToy):
    def frozen(self, waveform, lengths):
        values, counts = super().frozen(waveform, lengths)
        return FrozenFeatures(values + torch.rand(()), counts)


class AddsToTheHalves(FrozenToy):
    def embed(self, waveform, lengths):
        return super().embed(waveform, lengths) + 0.25


class MagnifiesRounding(FrozenToy):
    def embed_frozen(self, features):
        return super().embed_frozen(FrozenFeatures(torch.sin(1e4 * features.values), features.lengths))


class CountsPaddedFrames(FrozenToy):
    def embed_frozen(self, features):
        return torch.relu(self.dense(features.values)).mean(1)


class HearsThePadding(FrozenToy):
    def frozen(self, waveform, lengths):
        values, counts = super().frozen(waveform, lengths)
        return FrozenFeatures(values + waveform.square().sum(1)[:, None, None], counts)


class GivesAFrameMoreInABatch(FrozenToy):
    def frozen(self, waveform, lengths):
        values, counts = super().frozen(waveform, lengths)
        return FrozenFeatures(values, counts if lengths is None else torch.full_like(counts, values.shape[1]))


FAULTS = {
    HasNoNameOfItsOwn: "frozen_id() differed between two networks",
    HasAnEmptyName: "or was empty",
    IsRandom: "other numbers for the same clip the second time",
    AddsToTheHalves: "embed differed from embed_frozen(frozen(...)) by 0.25",
    MagnifiesRounding: "kept in float16 differed by",
    CountsPaddedFrames: "embed_frozen of a padded batch differed by",
    HearsThePadding: "frozen differed by",
    GivesAFrameMoreInABatch: "in a batch and",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found_and_said(fault):
    with pytest.raises(BrokenError) as caught:
        cached_features(bench(fault))
    assert FAULTS[fault] in str(caught.value)
