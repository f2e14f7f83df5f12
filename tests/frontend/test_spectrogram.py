"""The front end against naive NumPy, torchaudio, SciPy and onnxruntime."""

from __future__ import annotations

import math
import warnings

import numpy as np
import onnxruntime
import pytest
import scipy.fft
import soundfile
import torch
import torchaudio

from emonet_bench.errors import ConfigError
from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.spectrogram import DecibelLogMel, LogMel, Mfcc
from tests.frontend.made import SMALL, batch, speechlike

LENGTHS = [1, 255, 256, 335, 336, 1000, 4001]


def naive_mel(waveform: np.ndarray, options: FrontEndOptions) -> np.ndarray:
    """Mel power (mels, T), one frame and one bin at a time."""
    size, bins = options.n_fft, np.arange(options.n_fft // 2 + 1)
    bank = torchaudio.functional.melscale_fbanks(len(bins), options.f_min, options.f_max, options.num_mels, 16_000)
    sample = np.arange(size)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * sample / size)
    waveform = np.pad(waveform, (0, max(0, size - len(waveform))))
    frames = []
    for start in range(0, len(waveform) - size + 1, options.hop):
        frame = window * waveform[start : start + size]
        power = [abs(np.sum(frame * np.exp(-2j * np.pi * k * sample / size))) ** 2 for k in bins]
        frames.append(bank.double().numpy().T @ np.array(power))
    return np.stack(frames, 1)


@pytest.fixture(params=["emodb", "ravdess", "turevdb"])
def real_clip(request, corpora_dir) -> np.ndarray:
    files = sorted(file for file in (corpora_dir / request.param).rglob("*") if file.suffix in {".wav", ".flac"})
    if not files:
        pytest.skip(f"{request.param} is not in EMONET_BENCH_CORPORA_DIR")
    samples, rate = soundfile.read(files[len(files) // 2], always_2d=True)
    assert rate == 16_000
    return samples[:, 0]


@pytest.mark.parametrize("length", LENGTHS)
def test_float64_log_mels_equal_a_naive_reference(length):
    clip = speechlike(length)
    features, mask = LogMel(SMALL).double().eval()(torch.from_numpy(clip)[None])
    assert mask is None
    np.testing.assert_allclose(features[0], np.log(naive_mel(clip, SMALL) + 1e-6), rtol=0, atol=1e-9)


def test_float32_features_are_close_to_torchaudio_in_float64(real_clip):
    oracle = torchaudio.transforms.MelSpectrogram(
        n_fft=1024, hop_length=512, f_min=20, f_max=8000, n_mels=128, center=False, mel_scale="htk"
    ).double()
    oracle.spectrogram.window = torch.hann_window(1024, dtype=torch.float64)
    expected = oracle(torch.from_numpy(real_clip))
    front_end, clip = LogMel(FrontEndOptions()).eval(), torch.from_numpy(real_clip)[None].float()
    assert (front_end.mel(clip)[0] - expected).abs().max() < 1e-5 * expected.max()
    assert (front_end(clip)[0][0] - (expected + 1e-6).log()).abs().max() < 2e-3
    double = LogMel(FrontEndOptions()).double().eval()(torch.from_numpy(real_clip)[None])[0]
    assert (double[0] - (expected + 1e-6).log()).abs().max() < 1e-9


@pytest.mark.parametrize("triangles", ["hz", "mel"])
def test_mel_bands_are_triangles_between_equidistant_mels(triangles):
    options = FrontEndOptions(triangles=triangles)
    to_mel = lambda hz: 2595 * np.log10(1 + hz / 700)  # noqa: E731
    corners = np.linspace(to_mel(20), to_mel(8000), 130)
    hertz = np.linspace(0, 8000, 513)
    if triangles == "hz":
        corners = 700 * (10 ** (corners / 2595) - 1)
    place = hertz if triangles == "hz" else to_mel(hertz)
    expected = np.zeros((513, 128))
    for band in range(128):
        low, middle, high = corners[band : band + 3]
        for k in range(1, 513):
            expected[k, band] = max(0, min((place[k] - low) / (middle - low), (high - place[k]) / (high - middle)))
    # torchaudio computes its bank in float32
    np.testing.assert_allclose(LogMel(options).bank, expected, atol=2e-4 if triangles == "hz" else 1e-6)


def test_mel_triangles_give_the_originals_log_mel(golden_dir):
    with np.load(golden_dir / "cnn-fcnattention-plain.npz") as golden:
        waveform, expected = torch.from_numpy(golden["waveform"]), golden["logmel"].transpose(0, 2, 1)
    for triangles, worst in (("mel", 3e-4), ("hz", 9e-3)):
        features, _ = LogMel(FrontEndOptions(triangles=triangles)).eval()(waveform)
        assert np.abs(features.numpy() - expected).max() < worst


def test_decibels_are_under_the_clips_own_maximum_and_floored():
    waveform, lengths = batch([4001, 900])
    waveform[1] *= 1e-3  # a soft clip beside a loud one
    features, mask = DecibelLogMel(SMALL).double().eval()(waveform, lengths)
    for row, length in enumerate([4001, 900]):
        decibels = 10 * np.log10(naive_mel(waveform[row, :length].numpy(), SMALL))
        expected = np.maximum(decibels - decibels.max(), -80)
        np.testing.assert_allclose(features[row, :, mask[row, 0] == 1], expected, atol=1e-8)


@pytest.mark.parametrize("count", [1, 13, 20])
def test_mfccs_are_the_orthonormal_dct_of_log_mels(count):
    waveform, lengths = batch([4001, 900])
    front_end = Mfcc(SMALL, num_mfccs=count).double().eval()
    features, _ = front_end(waveform, lengths)
    log_mels, mask = LogMel(SMALL).double().eval()(waveform, lengths)
    expected = scipy.fft.dct(log_mels.numpy(), axis=1, norm="ortho")[:, :count] * mask.numpy()
    assert front_end.bands == count
    np.testing.assert_allclose(features, expected, atol=1e-4)  # torchaudio's cosines are float32


@pytest.mark.parametrize("front_end", [LogMel, DecibelLogMel, Mfcc])
@pytest.mark.parametrize("normalise", ["none", "utterance"])
def test_a_clip_has_the_same_features_alone_and_in_a_padded_batch(front_end, normalise):
    options = SMALL.model_copy(update={"normalise": normalise})
    module = (front_end(options, 16_000, 13) if front_end is Mfcc else front_end(options)).double().eval()
    waveform, lengths = batch(LENGTHS)
    waveform[:, -1] = math.nan  # what lies past a clip's end is not even looked at
    features, mask = module(waveform, lengths)
    for row, length in enumerate(LENGTHS):
        own = 1 + max(0, length - 256) // 80
        assert mask[row, 0].tolist() == [1] * own + [0] * (features.shape[2] - own)
        alone, _ = module(waveform[row : row + 1, :length])
        assert alone.shape[2] == own == options.frames(length)
        np.testing.assert_allclose(features[row, :, :own], alone[0], atol=1e-9)
        assert not features[row, :, own:].any()


def test_digital_silence_is_not_masked():
    for front_end in (LogMel, DecibelLogMel, Mfcc):
        features, mask = front_end(FrontEndOptions(normalise="utterance")).eval()(
            torch.zeros(1, 4096), torch.tensor([4096])
        )
        assert mask.all()
        assert not features.any()


def test_normalised_clips_have_zero_mean_and_unit_variance_over_their_own_frames():
    waveform, lengths = batch([4001, 1500])
    features, mask = LogMel(SMALL.model_copy(update={"normalise": "utterance"})).double().eval()(waveform, lengths)
    for row in range(2):
        own = features[row, :, mask[row, 0] == 1]
        assert abs(own.mean()) < 1e-9
        assert own.std(correction=0) == pytest.approx(1, abs=5e-3)


def test_it_computes_in_float32_at_least():
    clip = torch.from_numpy(speechlike(4001))[None].float()
    front_end = LogMel(SMALL).eval()
    expected, _ = front_end(clip)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(front_end(clip)[0], expected)
    assert torch.equal(front_end.to(torch.bfloat16)(clip)[0], expected)
    assert torch.equal(front_end.double().float()(clip)[0], expected)
    assert not front_end.state_dict()


@pytest.mark.parametrize(
    ("front_end", "message"),
    [
        (
            lambda: LogMel(FrontEndOptions(), 8_000),
            "f_max: 8000 Hz is above half of the sampling rate; set at most 4000",
        ),
        (lambda: LogMel(FrontEndOptions(f_min=900, f_max=800)), "f_min: 900 Hz is not below f_max"),
        (lambda: Mfcc(SMALL, 16_000, 21), "num_mfccs: 21 is more than num_mels"),
    ],
)
def test_impossible_sizes_are_explained(front_end, message):
    with pytest.raises(ConfigError, match=message):
        front_end()


@pytest.mark.parametrize("front_end", [LogMel, DecibelLogMel, Mfcc])
@pytest.mark.parametrize("normalise", ["none", "utterance"])
def test_onnxruntime_agrees_at_sizes_that_were_not_the_examples(front_end, normalise, tmp_path):
    module = front_end(FrontEndOptions(num_mels=40, normalise=normalise)).eval()
    axes = {"waveform": {0: "n", 1: "s"}, "lengths": {0: "n"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the TorchScript exporter announces its retirement
        torch.onnx.export(
            module,
            (torch.randn(2, 9_000) * 0.1, torch.tensor([9_000, 3_000])),
            tmp_path / "front_end.onnx",
            dynamo=False,
            opset_version=17,
            input_names=["waveform", "lengths"],
            dynamic_axes=axes,
        )
    session = onnxruntime.InferenceSession(tmp_path / "front_end.onnx", providers=["CPUExecutionProvider"])
    for samples in ([1], [700, 20], [1024], [1536, 1535, 1, 1024], [30_000]):
        waveform, lengths = batch(samples, torch.float32)
        features, mask = module(waveform, lengths)
        ran = session.run(None, {"waveform": waveform.numpy(), "lengths": lengths.numpy()})
        np.testing.assert_allclose(ran[0], features, atol=2e-3)
        np.testing.assert_array_equal(ran[1], mask)


def test_without_lengths_a_minute_in_onnxruntime_is_as_near_to_float64_as_a_second(tmp_path):
    options = FrontEndOptions(num_mels=64, n_fft=512, hop=256, normalise="utterance")
    module = LogMel(options).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the TorchScript exporter announces its retirement
        torch.onnx.export(
            module,
            (torch.randn(1, 9_000) * 0.1,),
            tmp_path / "front_end.onnx",
            dynamo=False,
            opset_version=17,
            input_names=["waveform"],
            dynamic_axes={"waveform": {1: "s"}},
        )
    session = onnxruntime.InferenceSession(tmp_path / "front_end.onnx", providers=["CPUExecutionProvider"])
    exact = LogMel(options).double().eval()
    for samples in (16_000, 960_000):
        waveform = 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(0))
        (found,) = session.run(None, {"waveform": waveform.numpy()})
        expected, _ = exact(waveform.double())
        # A mean that has lost digits moves every value; the largest error alone grows with their number.
        assert np.abs(found - expected.numpy()).mean() < 5e-7
