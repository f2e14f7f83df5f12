"""Long clips are scored in parts, never held as a whole, and what is told of them is the mean."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.arguments import Request
from emonet_bench.deploy.clips import sixteen_bits
from emonet_bench.deploy.model import Model, open_model
from emonet_bench.deploy.ordered_pool import OrderedPool, Threads
from emonet_bench.deploy.scoring import Scorer
from emonet_bench.deploy.sources import Clip
from emonet_bench.deploy.stretches import parts
from emonet_bench.errors import AudioError
from tests.exported import export_listener

RATE = 16_000
MINUTE = 60 * RATE
WHOLE = Request(None, 1, embeddings=True, logits=True)
CLIP = sixteen_bits(
    (0.3 * np.random.default_rng(0).standard_normal(MINUTE + 30_001) * np.linspace(0.01, 1, MINUTE + 30_001)).astype(
        "f4"
    )
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return export_listener(tmp_path_factory.mktemp("model") / "model.onnx")


@pytest.fixture(scope="module")
def centred(tmp_path_factory):
    return export_listener(tmp_path_factory.mktemp("centred") / "model.onnx", window=8_000)


@pytest.fixture(scope="module")
def model(path):
    return open_model(path, "cpu")


def scored(model, request, *clips, threads=2, threshold=None):
    scorer = Scorer(model, threshold)
    with OrderedPool(Threads(threads)) as crew:
        return [outcome for _, outcome in scorer.clips(crew, request, list(enumerate(clips)))]


def clip(*blocks, name="clip"):
    return Clip(name, lambda: iter(blocks), lambda: 0.0)


@pytest.mark.parametrize("batch", [1, 4])
def test_of_a_clip_of_more_than_a_minute_the_mean_over_its_parts_is_told(model, batch):
    ((one,),) = scored(model, WHOLE._replace(size=batch), clip(CLIP[:50_000], CLIP[50_000:]))
    pieces = [piece for _, piece in parts([CLIP], MINUTE)]
    alone = [model.scores([piece], ["embedding", "logits"]) for piece in pieces]
    assert len(pieces) == 5
    for found, rows in zip((one.probabilities, one.embedding, one.logits), zip(*alone, strict=True), strict=True):
        expected = np.average(np.concatenate(rows), axis=0, weights=[len(piece) for piece in pieces])
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert one.label == model.labels[one.probabilities.argmax()]
    assert (one.start, one.end) == (0, len(CLIP) / RATE)
    assert one.level is None


def test_a_minute_is_heard_as_a_whole(path, model):
    ((one,),) = scored(model, WHOLE, clip(CLIP[:MINUTE]))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {"waveform": CLIP[None, :MINUTE], "lengths": np.array([MINUTE])}
    np.testing.assert_allclose(one.probabilities, session.run(["probabilities"], feed)[0][0], atol=1e-6)


def test_a_window_is_taken_at_its_word(model, monkeypatch):
    monkeypatch.setattr(Model, "scores", lambda _, clips, __: [[np.array([1, 0, 0], "f4")] * len(clips)])
    ((one,),) = scored(model, WHOLE._replace(cut=(2 * MINUTE, MINUTE), embeddings=False, logits=False), clip(CLIP))
    assert one.end == len(CLIP) / RATE


@pytest.mark.parametrize("samples", [7_999, 8_000, 8_001, 20_000, 20_001, len(CLIP)])
def test_a_model_that_hears_the_middle_is_given_little_more_and_says_what_it_says_of_all(centred, samples):
    opened, given = open_model(centred, "cpu"), []
    session = onnxruntime.InferenceSession(str(centred), providers=["CPUExecutionProvider"])

    class Watched:
        def run(self, outputs, feed):
            given.append(feed["waveform"].shape)
            return session.run(outputs, feed)

    ((one,),) = scored(replace(opened, session=Watched()), WHOLE, clip(CLIP[:samples]))
    assert given == [(1, samples if samples <= 8_000 else 8_000 + samples % 2)]
    feed = {"waveform": CLIP[None, :samples], "lengths": np.array([samples])}
    np.testing.assert_allclose(one.probabilities, session.run(["probabilities"], feed)[0][0], atol=1e-6)
    assert one.end == samples / RATE


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_than_a_part_for_each_thread_is_held(model, monkeypatch, threads):
    """An hour of blocks, each counted from when it is made to when it has been scored."""
    left = {"made": 0, "scored": 0, "most": 0}

    def blocks():
        for _ in range(720):
            left["made"] += 5 * RATE
            left["most"] = max(left["most"], left["made"] - left["scored"])
            yield CLIP[: 5 * RATE]

    def score(_, clips, __):
        left["scored"] += sum(map(len, clips))
        return [[np.array([1, 0, 0], "f4")] * len(clips)]

    monkeypatch.setattr(Model, "scores", score)
    ((one,),) = scored(
        model, Request(None, 1, embeddings=False, logits=False), Clip("long", blocks, float), threads=threads
    )
    assert one.end == 3_600
    assert left["most"] <= MINUTE + 5 * RATE + threads * MINUTE / 4


def test_an_error_at_the_end_of_a_clip_costs_the_clip_and_no_other(model):
    def broken():
        yield CLIP
        raise AudioError("broken: cut")

    first, second = scored(model, WHOLE, Clip("broken", broken, float), clip(CLIP[:100]))
    assert str(first) == "broken: cut"
    assert len(second) == 1


def test_abstaining_looks_at_the_mean(model):
    ((one,),) = scored(model, WHOLE, clip(CLIP))
    least = float(one.probabilities.max())
    for threshold, label in ((least + 0.01, "uncertain"), (least - 0.01, one.label)):
        ((found,),) = scored(model, WHOLE, clip(CLIP), threshold=threshold)
        assert found.label == label


def test_what_is_no_prediction_of_a_stretch_is_an_error_that_names_the_clip(model):
    spoilt = replace(model, session=Nothing())
    ((error),) = scored(spoilt, Request((100, 100), 1, embeddings=False, logits=False), clip(CLIP[:250], name="a.wav"))
    assert str(error).startswith("a.wav: the model gives no probabilities")
    with pytest.raises(AudioError, match="the model gives no probabilities"):
        Scorer(spoilt, None).stretch(Request((100, 100), 1, embeddings=False, logits=False), 0, CLIP[:100])


class Nothing:
    """A session that gives NaN."""

    def run(self, _, feed):
        return [np.full((len(feed["waveform"]), 3), np.nan, np.float32)]


def test_a_predictor_scores_a_long_array_the_same_on_any_number_of_threads(path):
    found = [next(Predictor(path, "cpu", threads).predict_arrays([CLIP], RATE)) for threads in (1, 4)]
    np.testing.assert_array_equal(*(one.probabilities for one in found))
