"""The kit for augmentations: what is built in keeps the contracts, and planted faults are found."""

import dataclasses
import random

import pytest
import torch

from emonet_bench.config import Options, option
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.testing.augmentations import check_augmentation
from emonet_bench.testing.contracts import PAGE
from emonet_bench.types import Augmentation
from tests.testing.faults import broken

BUILT_IN = sorted(Plugins(Selection(names=("builtins",))).augmentations)


class Bare(Options):
    width: int = option(1, "")


def on_waveforms(change, options=Options, on="waveform"):
    return Augmentation("mine", options, lambda _, sampling_rate: change, on)


def in_place(waveform, lengths):
    return waveform.mul_(torch.rand(())), lengths


FAULTS = {
    "options without words": (on_waveforms(in_place, Bare), "options-documented", "has no description"),
    "shorter": (on_waveforms(lambda waveform, lengths: (waveform[:, 1:], lengths)), "shapes", "(6, 4000) float32 became (6, 3999)"),
    "double": (on_waveforms(lambda waveform, lengths: (waveform.double(), lengths)), "shapes", "float64"),
    "nan": (on_waveforms(lambda waveform, lengths: (waveform / 0, lengths)), "shapes", "not finite"),
    "too long": (on_waveforms(lambda waveform, lengths: (waveform, None if lengths is None else lengths + 1)), "shapes", "lengths from"),
    "another generator": (on_waveforms(lambda waveform, lengths: (waveform * random.random(), lengths)), "seeds", "two draws of seed 0"),
    "nothing": (on_waveforms(lambda waveform, lengths: (waveform.clone(), lengths)), "changes", "10 seeds gave the same"),
    "in place": (on_waveforms(in_place), "inputs-kept", "make a new tensor"),
    "bands lost": (on_waveforms(lambda features, mask: features[:, 1:], on="features"), "shapes", "(6, 19, 40)"),
    "votes that grow": (on_waveforms(lambda batch: dataclasses.replace(batch, targets=batch.targets * 2), on="batch"), "shapes", "do not sum to 1"),
    "a batch without targets": (on_waveforms(lambda batch: dataclasses.replace(batch, targets=batch.targets[:1]), on="batch"), "shapes", "(1,) int64"),
}  # fmt: skip


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_augmentation_keeps_its_contracts(name):
    check_augmentation(name)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_explained(fault):
    made, section, seen = FAULTS[fault]
    message = broken(check_augmentation, made)
    assert f"written:  {PAGE}#augmentation-{section}" in message
    assert seen in message
