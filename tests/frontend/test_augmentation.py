"""Augmentation changes what a network hears in training as much as the options allow, and nothing else."""

from __future__ import annotations

import math

import pytest
import torch

from emonet_bench.frontend.augmentation import add_noise, augment_features, augment_waveform
from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.spectrogram import LogMel
from tests.frontend.made import SMALL, batch, speechlike

AUGMENTED = {"gain": 6, "noise": 10, "speed": 0.2, "time_masks": 2, "freq_masks": 2, "random_noise": 0.1}


@pytest.mark.parametrize("option", AUGMENTED)
def test_augmentation_acts_in_training_only_and_keeps_shapes(option):
    torch.manual_seed(1)
    waveform, lengths = batch([4001, 900, 200], torch.float32)
    plain = LogMel(SMALL)
    augmented = LogMel(SMALL.model_copy(update={option: AUGMENTED[option]}))
    assert torch.equal(augmented.eval()(waveform, lengths)[0], plain.eval()(waveform, lengths)[0])
    for given in (lengths, None):
        expected, _ = plain.train()(waveform, given)
        features, mask = augmented.train()(waveform, given)
        assert features.shape == expected.shape
        assert not torch.equal(features, expected)
        assert (mask is None) == (given is None)
        assert mask is None or not (features * (1 - mask)).any()


def test_masks_hide_at_most_what_the_options_allow_and_differ_between_clips():
    torch.manual_seed(0)
    clip = torch.from_numpy(speechlike(16_000)).float().expand(8, -1)
    options = SMALL.model_copy(update={"time_masks": 2, "time_mask_width": 5, "freq_masks": 1, "freq_mask_width": 3})
    changed = (LogMel(options).train()(clip)[0] - LogMel(SMALL).train()(clip)[0]).abs() > 1e-4  # (8, mels, T)
    frames, bands = changed.all(1).sum(1), changed.all(2).sum(1)
    assert frames.max() <= 10
    assert bands.max() <= 3
    assert len(frames.unique()) > 1
    assert frames.max() > 0
    assert bands.max() > 0


def test_a_share_of_clips_gets_noise_and_the_others_stay_as_they_are():
    torch.manual_seed(0)
    waveform = torch.randn(400, 50)
    noisy = add_noise(waveform, None, 5, share=0.25)
    changed = (noisy != waveform).any(1)
    assert 0.15 < changed.float().mean() < 0.35
    assert (noisy != waveform)[changed].all()
    torch.manual_seed(3)
    everywhere = add_noise(waveform, None, 5)
    torch.manual_seed(3)
    assert torch.equal(add_noise(waveform, None, 5, share=1.0), everywhere)


def test_added_noise_has_the_ratio_asked_for():
    torch.manual_seed(0)
    waveform = torch.from_numpy(speechlike(32_000)).float().expand(16, -1)
    noisy, _ = augment_waveform(waveform, None, FrontEndOptions(noise=5))
    ratio = 10 * torch.log10(waveform.square().mean(1) / (noisy - waveform).square().mean(1))
    assert ratio.min() > 4.8
    assert ratio.max() < 25.2
    assert ratio.std() > 1


def test_faster_clips_are_shorter_and_higher():
    tone = torch.sin(2 * math.pi * 1000 * torch.arange(16_000) / 16_000)[None]
    for seed in range(5):
        torch.manual_seed(seed)
        faster, lengths = augment_waveform(tone, torch.tensor([16_000]), FrontEndOptions(speed=0.3))
        length = int(lengths)
        peak = torch.fft.rfft(faster[0, :length]).abs().argmax() * 16_000 / length
        percent = 100 * float(peak) / 1000
        assert 69 < percent < 131
        assert length == pytest.approx(min(16_000, 16_000 * 100 / percent), rel=2e-3)


def test_gain_is_one_factor_for_each_clip_within_the_decibels_asked_for():
    torch.manual_seed(0)
    waveform = torch.from_numpy(speechlike(1_000)).float().expand(64, -1)
    louder, _ = augment_waveform(waveform, None, FrontEndOptions(gain=6))
    factors = (louder * waveform).sum(1) / waveform.square().sum(1)
    torch.testing.assert_close(louder, factors[:, None] * waveform)
    decibels = 20 * factors.log10()
    assert decibels.abs().max() <= 6
    assert decibels.min() < -4
    assert decibels.max() > 4


@pytest.mark.parametrize("options", [{"noise": 5}, {"speed": 0.3}, {"noise": 5, "speed": 0.3, "gain": 3}])
def test_what_lies_past_a_clips_end_is_not_heard(options):
    waveform, lengths = batch([4001, 900], torch.float32)
    past = torch.arange(waveform.shape[1]) >= lengths[:, None]
    changed = []
    for rubbish in (0.0, math.nan):
        torch.manual_seed(3)
        changed.append(augment_waveform(waveform.masked_fill(past, rubbish), lengths, FrontEndOptions(**options))[0])
    assert changed[1].isfinite().all()
    torch.testing.assert_close(changed[1], changed[0])


def test_without_options_nothing_changes():
    waveform, lengths = batch([4001, 900], torch.float32)
    same, kept = augment_waveform(waveform, lengths, FrontEndOptions())
    assert same is waveform
    assert kept is lengths
    features = torch.randn(2, 4, 9)
    assert augment_features(features, None, FrontEndOptions()) is features


def test_hidden_stretches_hold_the_clips_mean():
    torch.manual_seed(0)
    features = torch.randn(8, 20, 50) + torch.arange(8)[:, None, None]
    hidden = augment_features(features, None, SMALL.model_copy(update={"time_masks": 1, "time_mask_width": 10}))
    changed = (hidden - features).abs() > 1e-4
    assert changed.any()
    means = features.mean((1, 2), keepdim=True).expand_as(features)
    torch.testing.assert_close(hidden[changed], means[changed])
