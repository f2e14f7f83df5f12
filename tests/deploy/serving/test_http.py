"""Audio over HTTP is scored as the Predictor scores it, whatever its format, and both answers have their schema."""

import base64

import numpy as np
import pytest

from emonet_bench.deploy.serving.http import segment_json
from emonet_bench.deploy.serving.service import Segment
from tests.exported import LABELS

PATH = "/v1/audio/emotions"


def scores(listed):
    return [next(one["score"] for one in listed if one["label"] == label) for label in LABELS]


@pytest.mark.parametrize(
    ("rate", "channels", "form", "subtype"),
    [
        (16_000, 1, "WAV", "PCM_16"),
        (16_000, 2, "FLAC", "PCM_24"),
        (8_000, 1, "WAV", "PCM_16"),
        (44_100, 2, "WAV", "FLOAT"),
        (48_000, 1, "OGG", "OPUS"),
        (22_050, 3, "AIFF", "PCM_16"),
    ],
)
def test_a_file_scores_as_the_predictor_scores_it(
    client, predictor, noise, wav, tmp_path, rate, channels, form, subtype
):
    content = wav(np.stack([noise(1.7, rate, seed) for seed in range(channels)], axis=1), rate, form, subtype)
    (tmp_path / "clip").write_bytes(content)
    expected = list(predictor.predict([tmp_path / "clip"], window=0.5, hop=0.25))
    answer = client.post(PATH, files={"file": content}, data={"window": 0.5, "hop": 0.25}).json()
    assert [one["label"] for one in answer["segments"]] == [one.label for one in expected]
    for told, one in zip(answer["segments"], expected, strict=True):
        assert (told["start"], told["end"]) == pytest.approx((one.start, one.end))
        np.testing.assert_allclose(scores(told["scores"]), one.probabilities, atol=1e-5)


def test_a_form_says_what_the_model_is(client, wav, noise):
    answer = client.post(PATH, files={"file": ("../../etc/passwd", wav(noise()))}).json()
    told = {name: answer[name] for name in ("model", "task", "run_id", "protocol_id", "licence", "labels", "seconds")}
    assert told == {
        "model": "listener",
        "task": None,
        "run_id": "0123456789abcdef",
        "protocol_id": "beef",
        "licence": "CC-BY-4.0",
        "labels": list(LABELS),
        "seconds": 1.0,
    }
    (segment,) = answer["segments"]
    assert segment["label"] == segment["scores"][0]["label"]
    assert sum(one["score"] for one in segment["scores"]) == pytest.approx(1, abs=1e-5)


def test_below_a_threshold_a_label_is_uncertain_and_scores_stay():
    one = Segment(0.0, 1.0, np.array([0.6, 0.3, 0.1], np.float32))
    assert segment_json(LABELS, one, 2, None)["label"] == LABELS[0]
    told = segment_json(LABELS, one, 2, 0.7)
    assert (told["label"], [score["label"] for score in told["scores"]]) == ("uncertain", list(LABELS[:2]))


@pytest.mark.parametrize("kind", ["audio/wav", "audio/x-flac", "application/octet-stream", None])
def test_a_raw_body_gets_the_audio_classification_schema(client, predictor, wav, noise, kind):
    (expected,) = predictor.predict_arrays([noise()], 16_000)
    answer = client.post(PATH, content=wav(noise()), headers={"Content-Type": kind} if kind else {}).json()
    assert [set(one) for one in answer] == [{"label", "score"}] * len(LABELS)
    np.testing.assert_allclose(scores(answer), expected.probabilities, atol=1e-5)
    assert [one["score"] for one in answer] == sorted((one["score"] for one in answer), reverse=True)


def test_base64_with_parameters_is_heard_as_well(client, wav, noise):
    inputs = base64.b64encode(wav(noise())).decode()
    body = {"inputs": inputs, "parameters": {"top_k": 1, "function_to_apply": None}}
    answer = client.post(PATH, json=body).json()
    assert answer == client.post(PATH, content=wav(noise()), params={"top_k": 1}).json()
    assert len(answer) == 1


def test_hugging_faces_client_reads_it(server, wav, noise):
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    asked = hub.InferenceClient(model=server.url + PATH)
    plain = asked.audio_classification(wav(noise()))
    assert sorted(one.label for one in plain) == sorted(LABELS)
    (best,) = asked.audio_classification(wav(noise()), top_k=1)
    assert best == plain[0]


def test_a_bank_is_asked_for_a_task(client, wav, noise):
    files = {"file": wav(noise())}
    answer = client.post(PATH, files=files, data={"model": "bank", "task": "theirs"}).json()
    assert answer["labels"] == ["calm", "cross"]
    assert answer["licence"] == "licence of theirs"
    assert {one["label"] for one in answer["segments"][0]["scores"]} == {"calm", "cross"}
    for task in (None, "nobody"):
        refused = client.post(PATH, files=files, data={"model": "bank", **({"task": task} if task else {})})
        assert refused.status_code == 400
        assert refused.json()["error"] == "task: bank holds several; give one of ours, theirs, others"


@pytest.mark.parametrize(
    ("options", "status", "error"),
    [
        ({"model": "nobody"}, 404, "model: there is no 'nobody'; there are listener, bank"),
        ({"task": "ours"}, 400, "task: listener holds a single one; leave it out"),
        ({"window": "0"}, 400, "window: must be seconds, more than 0, is '0'"),
        ({"window": "1e-9"}, 400, "window and hop: must last a sample at least"),
        ({"hop": "nan"}, 400, "hop: must be seconds, more than 0, is 'nan'"),
        ({"hop": "1"}, 400, "hop: needs a window, too"),
        ({"window": "0.01", "hop": "0.0001"}, 400, "hop: makes 16000 stretches, at most 10000 are taken"),
        ({"top_k": "0"}, 400, "top_k: must be a whole number from 1, is '0'"),
        ({"top_k": "²"}, 400, "top_k: must be a whole number from 1"),
        ({"path": "/etc/passwd"}, 400, "'path': no such option; there are model, task, window, hop, top_k"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_line(client, wav, noise, options, status, error):
    answer = client.post(PATH, files={"file": wav(noise(2))}, data=options)
    assert (answer.status_code, answer.json()["error"][: len(error)]) == (status, error)


def test_top_k_tells_the_most_probable_labels_only(client, wav, noise):
    every = client.post(PATH, files={"file": wav(noise())}).json()["segments"][0]
    two = client.post(PATH, files={"file": wav(noise())}, data={"top_k": 2}).json()["segments"][0]
    assert two["scores"] == every["scores"][:2]


def test_what_is_known_of_models_and_server_is_told(client):
    listed = {one["id"]: one for one in client.get("/v1/models").json()["data"]}
    assert list(listed) == ["listener", "bank"]
    assert listed["listener"]["uar"] == 0.5
    assert listed["bank"]["tasks"] == ["ours", "theirs", "others"]
    assert client.get("/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/nothing", "GET", 404), (PATH, "GET", 405), ("/health", "POST", 405)]
)
def test_what_is_not_there_says_so_in_json(client, path, method, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"].endswith("see /openapi.json")
