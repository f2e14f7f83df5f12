"""The Predictor gives what onnxruntime gives, for any audio; and one clear line for anything else."""

import io
import os
import pickle
import subprocess
import sys
import threading
import venv
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile
import soxr

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.model import Model
from emonet_bench.deploy.ordered_pool import AHEAD
from emonet_bench.errors import AudioError, ConfigError
from tests.exported import LABELS, export_cnn, export_listener

RATE = 16_000
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return export_listener(tmp_path_factory.mktemp("model") / "model.onnx")


@pytest.fixture(scope="module")
def predictor(model):
    return Predictor(model, "cpu", threads=2)


def noise(samples, channels=None):
    """Noise whose loudness and colour wander, so that stretches differ."""
    shape = (samples,) if channels is None else (channels, samples)
    white = RNG.standard_normal(shape) * np.exp(np.cumsum(RNG.standard_normal(shape), -1) / 100 - 2)
    return (0.5 * np.tanh(white)).astype(np.float32)


def directly(model, clip):
    """Probabilities (K,) of (S,) by onnxruntime alone."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    feed = {"waveform": clip[None].astype(np.float32), "lengths": np.array([len(clip)])}
    return session.run(["probabilities"], feed)[0][0]


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_a_stereo_file_of_any_rate_scores_as_its_resampled_mean_does(tmp_path, model, predictor, suffix, rate):
    file = tmp_path / f"clip.{suffix}"
    soundfile.write(file, noise(rate, channels=2).T, rate, subtype="PCM_16")
    (one,) = predictor.predict([file])
    heard = soxr.resample(soundfile.read(file)[0].mean(1), rate, RATE)
    expected = directly(model, heard)
    np.testing.assert_allclose(one.probabilities, expected, atol=1e-3)  # rounded to 16 bits after resampling
    assert one.label == LABELS[expected.argmax()]
    assert (one.file, one.start, one.end) == (str(file), 0, 1)


def test_a_file_of_16_bits_at_the_models_rate_scores_as_it_stands(tmp_path, model, predictor):
    soundfile.write(tmp_path / "clip.wav", noise(12_345), RATE, subtype="PCM_16")
    (one,) = predictor.predict([tmp_path / "clip.wav"])
    expected = directly(model, soundfile.read(tmp_path / "clip.wav", dtype="float32")[0])
    np.testing.assert_allclose(one.probabilities, expected, atol=1e-6)


def test_arrays_files_and_integers_score_alike(tmp_path, predictor):
    integers = (noise(20_000, channels=6) * 32768).astype(np.int16)
    soundfile.write(tmp_path / "clip.wav", integers.T, 44_100)
    (file,) = predictor.predict([tmp_path / "clip.wav"])
    two, four = predictor.predict_arrays([integers / np.float32(32768), integers.astype(np.int32) << 16], 44_100)
    np.testing.assert_allclose(two.probabilities, file.probabilities, atol=1e-6)
    np.testing.assert_allclose(four.probabilities, file.probabilities, atol=1e-4)
    assert (two.file, four.file) == ("array 0", "array 1")


@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("threads", [1, 4])
def test_the_order_is_kept_and_batches_change_nothing(model, batch_size, threads):
    clips = [noise(int(samples)) for samples in RNG.integers(1, 20_000, 150)]
    found = list(Predictor(model, "cpu", threads).predict_arrays(clips, RATE, batch_size=batch_size))
    assert [one.file for one in found] == [f"array {index}" for index in range(150)]
    assert [one.end for one in found] == [len(clip) / RATE for clip in clips]
    for one, clip in list(zip(found, clips, strict=True))[::10]:
        (alone,) = Predictor(model, "cpu", 1).predict_arrays([clip], RATE)
        np.testing.assert_allclose(one.probabilities, alone.probabilities, atol=1e-5)


@pytest.mark.parametrize(("window", "hop"), [(1.0, None), (1.0, 0.25), (0.5, 0.75), (9.0, 1.0)])
@pytest.mark.parametrize("samples", [1, 16_000, 16_001, 60_000])
def test_stretches_are_stamped_with_their_times(predictor, window, hop, samples):
    clip = noise(samples)
    found = list(predictor.predict_arrays([clip], RATE, window=window, hop=hop, batch_size=4))
    step, reached = window if hop is None else hop, 0.0
    for number, one in enumerate(found):
        assert one.start == number * step
        assert one.end == min(one.start + window, samples / RATE)
        (alone,) = predictor.predict_arrays([clip[round(one.start * RATE) : round(one.end * RATE)]], RATE)
        np.testing.assert_allclose(one.probabilities, alone.probabilities, atol=1e-5)
        assert one.end > reached  # each hears something new
        reached = one.end
    assert reached == samples / RATE or step > window
    assert reached > samples / RATE - max(window, step)


@pytest.mark.parametrize("rate", [RATE, 44_100])
@pytest.mark.parametrize("hop", [None, 0.3, 1.1])
@pytest.mark.parametrize("samples", [1_000, 50_000, 200_000])
def test_a_stream_says_what_the_whole_says(predictor, rate, hop, samples):
    audio = noise(samples, channels=2)
    stream = predictor.stream(0.8, hop, sampling_rate=rate)
    found, start = [], 0
    while start < samples:
        size = int(RNG.integers(0, 9_000))
        found += stream.push(audio[:, start : start + size])
        start += size
    found += stream.finish()
    whole = list(predictor.predict_arrays([audio], rate, window=0.8, hop=hop))
    assert [(one.start, one.end) for one in found] == [(one.start, one.end) for one in whole]
    for one, other in zip(found, whole, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-3)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_single_file_needs_no_list(tmp_path, predictor, kind):
    soundfile.write(tmp_path / "a.wav", noise(5_000), RATE)
    (one,) = predictor.predict(kind(tmp_path / "a.wav"))
    assert one.file == str(tmp_path / "a.wav")


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, io.BytesIO])
def test_the_content_of_a_file_scores_as_the_file_does(tmp_path, predictor, wrap):
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(30_000, channels=2).T, 44_100)
    (expected,) = predictor.predict(path)
    (found,) = predictor.predict(wrap(path.read_bytes()))
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    assert found.end == expected.end
    assert found.file == ("file 0" if wrap is io.BytesIO else "bytes 0")


def test_an_open_file_scores_under_its_name_and_stays_open(tmp_path, predictor):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(30_000), RATE)
    (expected,) = predictor.predict(path)
    with path.open("rb") as file:
        for _ in range(2):  # wherever it stands
            (found,) = predictor.predict(file)
            np.testing.assert_array_equal(found.probabilities, expected.probabilities)
            assert found.file == str(path)
        assert not file.closed


def test_paths_contents_and_open_files_may_be_mixed_and_each_costs_only_itself(tmp_path, predictor):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise(5_000), RATE)
    errors = []
    with path.open(encoding="latin-1") as text:
        sources = [path, path.read_bytes(), b"not audio", text, io.BytesIO(path.read_bytes())]
        found = list(predictor.predict(sources, batch_size=2, failed=errors.append))
    assert [one.file for one in found] == [str(path), "bytes 1", "file 4"]
    assert [str(error) for error in errors] == [
        "bytes 2: not audio that libsndfile can read, or damaged",
        f"{path}: is open as text; open it with the mode 'rb'",
    ]


def test_an_array_given_to_predict_is_told_where_it_belongs(predictor):
    with pytest.raises(ConfigError, match=r"^files: number 0 is of type float32; .*, and arrays to predict_arrays$"):
        list(predictor.predict(noise(100)))


@pytest.mark.parametrize("samples", [3, 20_000])
def test_channels_may_stand_behind_the_samples(predictor, samples):
    audio = noise(samples, channels=6)
    (expected,) = predictor.predict_arrays([audio.mean(0)], RATE)
    (found,) = predictor.predict_arrays([audio.T], RATE, channels=1)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-4)
    stream = predictor.stream(60.0, channels=1)
    (streamed,) = [*stream.push(audio.T), *stream.finish()]
    np.testing.assert_array_equal(streamed.probabilities, found.probabilities)


@pytest.mark.parametrize("axis", [2, -1])
def test_an_axis_that_no_array_has_is_one_line(predictor, axis):
    for ask in (lambda: predictor.predict_arrays([], RATE, channels=axis), lambda: predictor.stream(1, channels=axis)):
        with pytest.raises(ConfigError, match=f"^channels: is the axis that holds them, 0 or 1, not {axis}$"):
            ask()


@pytest.mark.parametrize("batch_size", [1, 3])
def test_logits_and_embeddings_are_those_of_the_file_where_they_are_asked_for(model, predictor, batch_size):
    clips = [noise(samples) for samples in (9_000, 12_345, 7)]
    asked = {"batch_size": batch_size, "logits": True, "embeddings": True}
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    for clip, one in zip(clips, predictor.predict_arrays(clips, RATE, **asked), strict=True):
        feed = {"waveform": np.rint(clip[None] * 32768) / np.float32(32768), "lengths": np.array([len(clip)])}
        logits, embedding = session.run(["logits", "embedding"], feed)
        np.testing.assert_allclose(one.logits, logits[0], atol=1e-5)
        np.testing.assert_allclose(one.embedding, embedding[0], atol=1e-5)
        np.testing.assert_allclose(np.exp(one.logits) / np.exp(one.logits).sum(), one.probabilities, atol=1e-6)
    (plain,) = predictor.predict_arrays(clips[:1], RATE)
    assert (plain.logits, plain.embedding) == (None, None)


def test_a_stream_gives_logits_too(predictor):
    clip = noise(RATE)
    (whole,) = predictor.predict_arrays([clip], RATE, logits=True)
    (one,) = predictor.stream(1.0, logits=True).push(clip)
    np.testing.assert_array_equal(one.logits, whole.logits)


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "at work"])
def test_a_predictor_may_be_pickled_and_is_the_same_again(model, used):
    first, clip = Predictor(model, "cpu", threads=3), noise(5_000)
    (expected,) = Predictor(model, "cpu").predict_arrays([clip], RATE)
    if used:
        list(first.predict_arrays([clip] * 3, RATE))
    again = pickle.loads(pickle.dumps(first))
    assert (again.labels, again.threads, again.model.provider) == (first.labels, 3, "cpu")
    (found,) = again.predict_arrays([clip], RATE)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)


def test_a_single_array_needs_one_and_the_message_says_so(predictor):
    with pytest.raises(AudioError, match=r"^array 0: is a single number; give .* to predict_arrays a list of them$"):
        list(predictor.predict_arrays(noise(100), RATE))


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are Unicode there")
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_name_that_is_not_unicode_is_as_good_as_any(tmp_path, predictor, batch_size):
    soundfile.write(tmp_path / "a.wav", noise(5_000), RATE)
    odd = tmp_path / os.fsdecode(b"b2_\xe9.wav")
    odd.write_bytes((tmp_path / "a.wav").read_bytes())
    plain, other = predictor.predict([tmp_path / "a.wav", odd], batch_size=batch_size)
    assert other.file == str(odd)
    np.testing.assert_allclose(other.probabilities, plain.probabilities, atol=1e-6)


def test_the_stretches_of_one_file_are_scored_by_all_threads(model, monkeypatch):
    clip, score = noise(8 * RATE), Model.scores
    alone = list(Predictor(model, "cpu", 1).predict_arrays([clip], RATE, window=1.0))
    both = threading.Barrier(2, timeout=60)

    def together(self, clips, more):
        both.wait()  # breaks unless two threads are here at once
        return score(self, clips, more)

    monkeypatch.setattr(Model, "scores", together)
    found = list(Predictor(model, "cpu", 2).predict_arrays([clip], RATE, window=1.0))
    assert [one.start for one in found] == list(range(8))
    for one, other in zip(found, alone, strict=True):
        np.testing.assert_array_equal(one.probabilities, other.probabilities)


def test_a_model_says_how_much_of_a_stretch_it_hears(tmp_path, predictor):
    centred = export_listener(tmp_path / "centred.onnx", window=8_000)
    assert Predictor(centred, "cpu").centre == 0.5
    resaved(centred, tmp_path / "mean.onnx", lambda entries: entries.update(hop="0.25"))
    assert Predictor(tmp_path / "mean.onnx", "cpu").centre is None
    assert predictor.centre is None


def test_predictions_become_a_frame(predictor):
    found = list(predictor.predict_arrays([noise(100), noise(200)], RATE))
    frame = predictor.table(found)
    assert list(frame.columns) == ["file", "start", "end", "prediction", *(f"probability:{label}" for label in LABELS)]
    np.testing.assert_allclose(frame.iloc[:, 4:].sum(axis=1), 1, atol=1e-6)
    assert list(frame.prediction) == [one.label for one in found]


def test_a_frame_without_pandas_is_one_line(predictor, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match="pip install pandas"):
        predictor.table([])


NAN = noise(1000)
NAN[500] = np.nan
NOISE = noise(1_000)
TOO_LOUD = (3e38 * np.sign(noise(4_800))).astype(np.float32)  # the resampler overflows

GOOD_ARRAYS = {
    "one sample": (lambda: noise(1), RATE),
    "a minute": (lambda: noise(60 * RATE), RATE),
    "ten minutes": (lambda: noise(600 * RATE), RATE),
    "silence": (lambda: np.zeros(RATE, np.float32), RATE),
    "384 kHz": (lambda: noise(384_000), 384_000),
    "6 channels": (lambda: noise(5_000, channels=6), 48_000),
    "float64": (lambda: noise(100).astype(np.float64), RATE),
    "louder than full scale": (lambda: noise(1_000) * 2, RATE),
    "8 bits": (lambda: (noise(1000) * 127).astype(np.int8), RATE),
    "a single bit": (lambda: np.sign(noise(1000)), RATE),
    "odd rate": (lambda: noise(11_025), 11_025),
}
BAD_ARRAYS = {
    "zero-length: no samples": (noise(0), RATE),
    "zero-length": (noise(0, channels=2), RATE),
    "NaN or infinite": (NAN, RATE),
    "infinite": (np.full(10, np.inf, np.float32), RATE),
    r"shape \(5000, 2\)": (noise(5000, channels=2).T, RATE),
    r"shape \(2, 2, 2\)": (np.zeros((2, 2, 2), np.float32), RATE),
    "type complex128": (np.zeros(10, complex), RATE),
    "type <U3": (np.array(["abc"]), RATE),
    "type bool": (np.zeros(10, bool), RATE),
    "too short: 1 samples at 384000 Hz": (noise(1), 384_000),
    r"floats reach 3e\+38, but must lie in \[-1, 1\]; divide": (TOO_LOUD, 48_000),
    r"floats reach [\d.]+, .* \(32768 for 16 bits\)": (32_767 * noise(RATE), RATE),
    "type int64": ((32_767 * noise(RATE)).astype(np.int64), RATE),
    "channels cancel each other": (np.stack([NOISE, -NOISE]), RATE),
    r"shape \(256, 1\); .* say channels=1 for": (noise(256)[:, None], RATE),
    "too large": (np.stack([TOO_LOUD, TOO_LOUD]), RATE),
    "is a single number": (np.float32(0.5), RATE),
    "is a list of lists of several lengths": ([[0.1, 0.2], [0.1]], RATE),
}


@pytest.mark.parametrize("kind", GOOD_ARRAYS)
def test_every_kind_of_audio_has_a_score(predictor, kind):
    make, rate = GOOD_ARRAYS[kind]
    (one,) = predictor.predict_arrays([make()], rate)
    assert np.isfinite(one.probabilities).all()
    assert one.probabilities.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("reason", BAD_ARRAYS)
def test_what_is_not_audio_is_one_line_that_names_it(predictor, reason):
    array, rate = BAD_ARRAYS[reason]
    with pytest.raises(AudioError, match=f"^array 1: .*{reason}") as caught:
        list(predictor.predict_arrays([noise(9_000), array], rate))
    assert "\n" not in str(caught.value)


def _truncated(path):
    soundfile.write(path, noise(50_000), RATE)
    path.write_bytes(path.read_bytes()[:5_000])


def _with_nan(path):
    soundfile.write(path, NAN, RATE, subtype="FLOAT")


BAD_FILES = {
    "missing.wav": lambda path: None,
    "empty.wav": lambda path: path.write_bytes(b""),
    "no-samples.wav": lambda path: soundfile.write(path, noise(0), RATE),
    "truncated.wav": _truncated,
    "truncated.flac": _truncated,
    "text.wav": lambda path: path.write_text("not audio"),
    "text.mp3": lambda path: path.write_text("not audio"),
    "text.raw": lambda path: path.write_text("not audio"),
    "nan.wav": _with_nan,
    "loud.wav": lambda path: soundfile.write(path, TOO_LOUD, 48_000, subtype="FLOAT"),
    "folder.wav": lambda path: path.mkdir(),
    "noise.ogg": lambda path: path.write_bytes(RNG.bytes(10_000)),
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_file_that_cannot_be_read_costs_only_itself(tmp_path, predictor, name, batch_size):
    BAD_FILES[name](tmp_path / name)
    good = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for file in good:
        soundfile.write(file, noise(5_000), RATE)
    files = [good[0], tmp_path / name, good[1]]
    errors = []
    found = list(predictor.predict(files, batch_size=batch_size, failed=errors.append))
    assert [one.file for one in found] == [str(file) for file in good]
    (error,) = errors
    assert str(error).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(error)
    with pytest.raises(AudioError, match=name):
        list(predictor.predict(files, batch_size=batch_size))


def test_a_reader_that_leaves_early_stops_the_work(model):
    asked = []

    def endless():
        while True:
            asked.append(1)
            yield noise(100)

    found = Predictor(model, "cpu", threads=2).predict_arrays(endless(), RATE)
    next(found)
    found.close()
    assert len(asked) <= 2 * AHEAD


def test_audio_that_onnxruntime_cannot_hold_is_one_line(model, monkeypatch):
    def run(*_):
        raise RuntimeError("Failed to allocate memory\nsomewhere in C++")

    full = Predictor(model, "cpu", threads=1)
    monkeypatch.setattr(full.model.session, "run", run)
    with pytest.raises(
        AudioError, match=r"^array 0: 1\.0 s are too much for onnxruntime \(Failed to allocate memory\)"
    ):
        list(full.predict_arrays([noise(RATE)], RATE))


def resaved(model, path, change):
    loaded = onnx.load(model)
    entries = {entry.key: entry.value for entry in loaded.metadata_props}
    change(entries)
    del loaded.metadata_props[:]
    onnx.helper.set_model_props(loaded, entries)
    onnx.save(loaded, path)


def renamed(model, path, old, new):
    loaded = onnx.load(model)
    for value in [*loaded.graph.input, *loaded.graph.output]:
        value.name = new if value.name == old else value.name
    for node in loaded.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    onnx.save(loaded, path)


BAD_MODELS = {
    "no such file; give a model": lambda model, path: None,
    r"not an ONNX file that onnxruntime can load \(.*INVALID_PROTOBUF": lambda model, path: path.write_text("hello"),
    "not an ONNX file that": lambda model, path: path.write_bytes(b""),
    "not an ONNX file": lambda model, path: path.write_bytes(model.read_bytes()[:3000]),
    "without emonet-bench's metadata": lambda model, path: resaved(model, path, dict.clear),
    r"without emonet-bench's metadata \('labels'\)": lambda model, path: resaved(
        model, path, lambda e: e.pop("labels")
    ),
    "its metadata is damaged": lambda model, path: resaved(model, path, lambda e: e.update(labels="anger, joy")),
    r"its metadata is damaged \(labels": lambda model, path: resaved(model, path, lambda e: e.update(labels="3")),
    "damaged": lambda model, path: resaved(model, path, lambda e: e.update(sampling_rate="0")),
    r"its metadata is damaged \(could not convert string to float: 'long'\)": lambda model, path: resaved(
        model, path, lambda e: e.update(window="long")
    ),
    "takes audio, lengths and gives embedding, logits, probabilities, unlike": lambda model, path: renamed(
        model, path, "waveform", "audio"
    ),
    "takes lengths, waveform and gives embedding, logits, scores, unlike": lambda model, path: renamed(
        model, path, "probabilities", "scores"
    ),
    "takes lengths, waveform and gives": lambda model, path: resaved(
        model, path, lambda e: e.update(labels='{"ours": ["anger", "joy", "sadness"]}')
    ),
    "written by a newer emonet-bench": lambda model, path: resaved(model, path, lambda e: e.update(schema_version="3")),
}


@pytest.mark.parametrize("reason", BAD_MODELS)
def test_a_file_that_is_no_exported_model_is_one_line_that_names_it(tmp_path, model, reason):
    BAD_MODELS[reason](model, tmp_path / "model.onnx")
    with pytest.raises(ConfigError, match=f"model.onnx: .*{reason}") as caught:
        Predictor(tmp_path / "model.onnx", "cpu")
    assert "\n" not in str(caught.value)


def test_cuda_that_is_not_there_is_said_in_one_line(model, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ConfigError, match="knows no CUDA; install onnxruntime-gpu in its place, or use cpu"):
        Predictor(model, "cuda")


def test_cuda_that_does_not_start_is_said_in_one_line(model, capfd):
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime knows no CUDA")
    if Path("/proc/driver/nvidia").exists():
        pytest.skip("CUDA starts here")
    with pytest.raises(ConfigError, match="CUDA does not start here"):
        Predictor(model, "cuda")
    assert capfd.readouterr() == ("", "")


@pytest.mark.gpu
def test_cuda_scores_as_the_cpu_does(model, predictor):
    clips = [noise(int(samples)) for samples in RNG.integers(1, 50_000, 40)]
    there = Predictor(model, "cuda")
    assert there.model.provider == "cuda"
    for one, other in zip(there.predict_arrays(clips, RATE), predictor.predict_arrays(clips, RATE), strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"providers": "tpu"}, "providers: 'tpu' is not one of auto, cpu, cuda"),
        ({"threads": 0}, "threads: must be at least 1, is 0"),
        ({"task": "ours"}, "task: MODEL holds a single one; leave it out"),
    ],
)
def test_a_wrong_option_is_one_line(model, arguments, message):
    with pytest.raises(ConfigError) as caught:
        Predictor(model, **arguments)
    assert str(caught.value) == message.replace("MODEL", str(model))


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("window", lambda predictor: predictor.stream(None)),
        ("sampling_rate", lambda predictor: predictor.predict_arrays([], None)),
    ],
)
def test_what_is_missing_is_one_line(predictor, name, call):
    with pytest.raises(ConfigError, match=rf"^{name}: .*; give "):
        call(predictor)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("batch_size", lambda predictor: predictor.predict([], batch_size=-1)),
        ("batch_size", lambda predictor: predictor.predict_arrays([], RATE, batch_size=0)),
        ("sampling_rate", lambda predictor: predictor.predict_arrays([], 0)),
        ("sampling_rate", lambda predictor: predictor.stream(1.0, sampling_rate=-8_000)),
    ],
)
def test_a_count_below_one_is_one_line(predictor, name, call):
    with pytest.raises(ConfigError, match=f"^{name}: must be at least 1, is "):
        call(predictor)


@pytest.mark.parametrize(
    ("window", "hop"),
    [
        (float("inf"), None),
        (float("nan"), 1),
        (1, float("inf")),
        (0, None),
        (-1, None),
        (1, 0),
        (1, -2),
        (1e-9, None),
        (1e308, None),
        (1, 1e308),
        (None, 1),
    ],
)
def test_a_window_that_makes_no_sense_is_one_line(predictor, window, hop):
    with pytest.raises(ConfigError, match="hop"):
        predictor.predict_arrays([], RATE, window=window, hop=hop)


@pytest.mark.parametrize("module", ["emonet_bench.deploy", "emonet_bench.deploy.cli.predict", "emonet_bench.cli.show"])
def test_listening_imports_nothing_that_it_does_not_need(module):
    heavy = {"torch", "torchaudio", "pandas", "pydantic", "pluggy", "sklearn", "onnx", "filelock", "platformdirs"}
    heavy |= {"click", "rich"} if module.endswith("deploy") else set()
    code = f"import sys, {module}; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.slow
@pytest.mark.network
def test_four_packages_are_enough(tmp_path, corpora_dir):
    files = (file for suffix in ("flac", "wav") for file in corpora_dir.glob(f"*/**/*.{suffix}"))
    real = next(files, None)
    if real is None:
        pytest.skip(f"{corpora_dir} holds no FLAC and no WAV files")
    samples, rate = soundfile.read(real)
    soundfile.write(tmp_path / "stereo.wav", np.stack([samples, samples], axis=1), 2 * rate)  # is mixed and resampled
    clips, model = [real, tmp_path / "stereo.wav"], export_cnn(tmp_path / "model.onnx")
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "numpy", "onnxruntime", "soundfile", "soxr"], check=True)
    subprocess.run([*pip, "--no-deps", Path(__file__).parents[2]], check=True)
    code = (
        "import sys; from emonet_bench.deploy import Predictor\n"
        "for one in Predictor(sys.argv[1]).predict(sys.argv[2:]): print(one.label, *one.probabilities)"
    )
    command = [python, "-c", code, model, *clips]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    for line, one in zip(done.stdout.splitlines(), Predictor(model, "cpu").predict(clips), strict=True):
        label, *probabilities = line.split()
        assert label == one.label
        np.testing.assert_allclose([float(value) for value in probabilities], one.probabilities, atol=1e-4)
