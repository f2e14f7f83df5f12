"""Perturbations: each does to a clip what it says, measured independently of how it is done."""

import numpy as np
import pytest
from scipy import signal

from emonet_bench.model_card.perturbations import conditions
from tests.oracles import pulses

RATE = 16_000


def tone(frequency=440.0, seconds=2.0, level=0.1):
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


TALKERS = [tone(frequency, 1.0) for frequency in (150, 230, 310, 470)]
ALL = {one.name: one for one in conditions(RATE, TALKERS)}


def changed(name, clip):
    return ALL[name].apply(clip, RATE, "clip")


def db(share):
    return 10 * np.log10(share)


def pitch_of(clip):
    """The frequency with the most energy."""
    spectrum = np.abs(np.fft.rfft(clip * np.hanning(len(clip))))
    return spectrum.argmax() * RATE / len(clip)


@pytest.mark.parametrize("noise", ["white noise", "pink noise", "babble"])
@pytest.mark.parametrize("snr", [30, 20, 10, 0])
def test_noise_has_the_power_that_its_ratio_says(noise, snr):
    clip = tone(level=0.05)
    added = changed(f"{noise}, {snr} dB SNR", clip) - clip
    assert db(np.mean(clip**2) / np.mean(added**2)) == pytest.approx(snr, abs=0.01)


def test_pink_noise_falls_by_three_decibels_an_octave_and_white_noise_does_not():
    clip = tone(seconds=20)
    for noise, slope in (("white noise", 0), ("pink noise", -3)):
        frequencies, power = signal.welch(changed(f"{noise}, 0 dB SNR", clip) - clip, RATE, nperseg=2048)
        band = (frequencies > 100) & (frequencies < 6000)
        found = np.polyfit(np.log2(frequencies[band]), db(power[band]), 1)[0]
        assert found == pytest.approx(slope, abs=0.3)


def test_gain_is_a_factor_that_stops_at_the_full_scale():
    clip = tone(level=0.2)
    np.testing.assert_allclose(changed("gain, -20 dB", clip), clip / 10, rtol=1e-6)
    assert np.abs(changed("gain, 20 dB", clip)).max() == pytest.approx(1, abs=1e-3)
    loud = changed("gain with clipping, 20 dB", clip)
    assert np.mean(np.abs(loud) == 1) > 0.3


def test_a_low_pass_leaves_what_is_below_and_removes_what_is_above():
    for frequency, left in ((500, 1.0), (1_500, 0.0)):
        clip = tone(frequency)
        assert np.std(changed("low-pass, 1000 Hz", clip)) / np.std(clip) == pytest.approx(left, abs=0.05)


def test_a_telephone_passes_no_more_than_four_kilohertz():
    clip = tone(1_000) + tone(5_000)
    frequencies, power = signal.welch(changed("telephone (8 kHz, A-law)", clip), RATE, nperseg=1024)
    assert db(power[np.abs(frequencies - 5_000) < 100].max() / power[np.abs(frequencies - 1_000) < 100].max()) < -40


@pytest.mark.parametrize("codec", ["MP3 round trip", "Opus round trip"])
def test_a_codec_loses_something_but_not_the_tone(codec):
    clip = tone()
    back = changed(codec, clip)
    assert pitch_of(back) == pytest.approx(440, abs=1)
    assert not np.array_equal(back[: len(clip)], clip[: len(back)])


def test_reverberation_decays_by_sixty_decibels_in_its_time():
    clip = np.zeros(2 * RATE, np.float32)
    clip[0] = 0.5
    tail = changed("reverberation, 0.6 s RT60", clip)[1:]
    energy = db(np.cumsum(tail[::-1].astype(np.float64) ** 2)[::-1] + 1e-20)  # Schroeder's integral
    energy -= energy[0]
    t5, t25 = (np.argmax(energy < level) / RATE for level in (-5, -25))
    assert 3 * (t25 - t5) == pytest.approx(0.6, abs=0.08)


@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_speed_changes_pitch_and_length_and_pitch_the_pitch_alone(factor):
    clip = tone(600)
    faster, higher = changed(f"speed, {factor} times", clip), changed(f"pitch, {factor} times", clip)
    assert pitch_of(faster) == pytest.approx(600 * factor, abs=2)
    assert len(faster) == pytest.approx(len(clip) / factor, abs=2)
    assert pitch_of(higher) == pytest.approx(600 * factor, abs=2)
    assert len(higher) == pytest.approx(len(clip), abs=2)


def test_silence_cuts_offsets_and_dead_channels():
    clip = tone(seconds=2.5)
    assert not changed("leading silence, 1 s", clip)[:RATE].any()
    assert not changed("trailing silence, 1 s", clip)[-RATE:].any()
    np.testing.assert_array_equal(changed("cut, 1 s", clip), clip[12_000:28_000])
    np.testing.assert_array_equal(changed("cut, 3 s", clip), clip)
    assert changed("DC offset, 0.1 of full scale", clip).mean() == pytest.approx(0.1, abs=1e-3)
    np.testing.assert_array_equal(changed("one of two channels dead", clip), [clip, np.zeros_like(clip)])


def test_the_same_clip_is_changed_in_the_same_way_whatever_came_before():
    clip = tone()
    first = changed("white noise, 0 dB SNR", clip)
    changed("white noise, 0 dB SNR", tone(300))
    np.testing.assert_array_equal(changed("white noise, 0 dB SNR", clip), first)
    assert not np.array_equal(ALL["white noise, 0 dB SNR"].apply(clip, RATE, "another clip"), first)


@pytest.mark.parametrize("rate", [1_000, 8_000, 11_025, 16_000, 44_100])
@pytest.mark.parametrize("samples", [1, 300, 5_000])
def test_every_condition_takes_clips_of_any_length_and_rate(rate, samples):
    clip = np.resize(pulses(0.5, 0.3), samples)
    for one in conditions(rate, [clip]):
        out = one.apply(clip, rate, "clip")
        assert np.isfinite(out).all(), one.name
        assert out.dtype == np.float32, one.name


def test_without_talkers_there_is_no_babble():
    assert not [one for one in conditions(RATE) if one.family == "babble"]
