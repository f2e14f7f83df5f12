"""Signals of the kits: the same every time, and told apart by their labels."""

import pytest
import torch

from emonet_bench.testing.signals import LABELS, clips, clips_of, noise, samples, target_of
from emonet_bench.types import InputSpec

SIGNAL = InputSpec(sampling_rate=1_000)


def test_seconds_are_samples_and_none_is_a_single_one():
    assert samples((0.0, 0.0001, 0.5, 1.1), SIGNAL) == [1, 1, 500, 1_100]


@pytest.mark.parametrize("neighbours", [[], [5], [900, 3]])
@pytest.mark.parametrize("padding", [0, 17])
def test_a_clip_sounds_the_same_whatever_its_neighbours_and_the_padding(neighbours, padding):
    alone, _ = noise([300])
    waveform, lengths = noise([300, *neighbours], padding=padding)
    assert waveform.shape == (1 + len(neighbours), max([300, *neighbours]) + padding)
    assert waveform.dtype == torch.float64
    assert lengths.tolist() == [300, *neighbours]
    assert torch.equal(waveform[0, :300], alone[0])


def test_behind_the_end_of_a_clip_is_loud_noise_that_a_network_must_not_hear():
    waveform, _ = noise([2_000], padding=2_000)
    assert waveform[0, 2_000:].std() > 5 * waveform[0, :2_000].std()


def test_clips_are_the_same_for_a_seed_and_others_for_another():
    first, same, other = clips(SIGNAL, 0), clips(SIGNAL, 0), clips(SIGNAL, 1)
    assert torch.equal(first.samples, same.samples)
    assert not torch.equal(first.lengths, other.lengths)


def test_clips_lie_one_behind_the_other_and_each_label_has_as_many():
    made = clips(SIGNAL, 0, each=4)
    assert torch.bincount(made.targets).tolist() == [4] * len(LABELS)
    assert made.starts.tolist() == [0, *made.lengths.cumsum(0)[:-1].tolist()]
    assert len(made.samples) == made.lengths.sum()
    assert ((made.lengths >= 500) & (made.lengths <= 1_000)).all()


def test_labels_differ_in_what_can_be_heard():
    made = clips(InputSpec(sampling_rate=8_000), 0)
    heard = {label: [] for label in LABELS}
    for start, length, target in zip(made.starts.tolist(), made.lengths.tolist(), made.targets.tolist(), strict=True):
        wave = made.samples[start : start + length].double()
        roughness = wave.diff().std() / wave.std()  # high for white noise, low for what is smoothed
        heard[LABELS[target]].append((float(wave.std()), float(roughness)))
    assert max(loud for loud, _ in heard["hush"]) < min(loud for loud, _ in heard["hum"] + heard["hiss"])
    assert max(rough for _, rough in heard["hum"]) < min(rough for _, rough in heard["hiss"])


@pytest.mark.parametrize("kind", ["votes", "label-set", "values"])
@pytest.mark.parametrize("names", [LABELS, LABELS[:2]])
def test_clips_of_other_targets_sound_the_same_and_their_targets_follow_from_what_is_heard(kind, names):
    made, labelled = clips_of(kind, SIGNAL, 0, names), clips(SIGNAL, 0)
    assert torch.equal(made.samples, labelled.samples)
    assert made.target == target_of(kind, names)
    assert made.targets.shape == (18, len(names))
    assert len(made.targets.unique(dim=0)) == 3
    assert all(len(made.targets[labelled.targets == label].unique(dim=0)) == 1 for label in range(3))
    if kind == "votes":
        assert torch.allclose(made.targets.sum(1), torch.ones(18))


def test_of_fewer_labels_only_their_clips_are_left():
    made = clips_of("label", SIGNAL, 0, LABELS[:2])
    assert (made.labels, len(made), made.targets.max().item()) == (LABELS[:2], 12, 1)
