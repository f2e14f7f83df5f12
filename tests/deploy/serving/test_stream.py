"""Streams say of a microphone's audio what the Predictor says of the whole, while it arrives."""

import json
from socket import SHUT_RDWR

import numpy as np
import pytest

from tests.exported import LABELS

END = '{"type": "end"}'


def rest(socket):
    """Messages until the server closes."""
    closed = pytest.importorskip("websockets.exceptions", reason="websockets is not installed").ConnectionClosed
    messages = []
    with pytest.raises(closed):
        while True:
            messages.append(json.loads(socket.recv(10)))
    return messages


def told(socket, audio, chunk, **first):
    """Send (S, channels) in chunks; return what the server says."""
    socket.send(json.dumps(first))
    data = audio.tobytes()
    for at in range(0, len(data), chunk):
        socket.send(data[at : at + chunk])
    socket.send(END)
    return rest(socket)


@pytest.mark.parametrize(
    ("encoding", "rate", "channels"),
    [("s16le", 16_000, 1), ("f32le", 48_000, 2), ("s16le", 44_100, 2), ("f32le", 8_000, 1)],
)
def test_a_stream_scores_as_the_whole_does(server, connect, predictor, noise, encoding, rate, channels):
    audio = np.stack([noise(2.3, rate, seed) for seed in range(channels)], axis=1)
    expected = list(predictor.predict_arrays([audio.T], rate, window=1.0, hop=0.5))
    sent = (audio * 32768).astype("<i2") if encoding == "s16le" else audio
    chunk = sent.itemsize * channels * rate // 50  # 20 ms
    with connect(server) as socket:
        ready, *scores, summary = told(
            socket, sent, chunk, encoding=encoding, sampling_rate=rate, channels=channels, window=1.0, hop=0.5
        )
    assert ready == {"type": "ready", "model": "listener", "task": None, "labels": list(LABELS)}
    assert [one["label"] for one in scores] == [one.label for one in expected]
    for found, one in zip(scores, expected, strict=True):
        assert (found["start"], found["end"]) == pytest.approx((one.start, one.end))
        listed = {it["label"]: it["score"] for it in found["scores"]}
        np.testing.assert_allclose([listed[label] for label in LABELS], one.probabilities, atol=1e-4)
    mean = np.mean([one.probabilities for one in expected], axis=0)
    assert (summary["type"], summary["segments"], summary["seconds"]) == ("summary", len(expected), pytest.approx(2.3))
    assert summary["label"] == LABELS[mean.argmax()]
    assert summary["scores"][0]["score"] == pytest.approx(mean.max(), abs=1e-4)


def test_a_score_comes_before_the_audio_ends(server, connect, noise):
    with connect(server) as socket:
        socket.send('{"window": 0.5}')
        assert json.loads(socket.recv(10))["type"] == "ready"
        socket.send((noise(0.6) * 32768).astype("<i2").tobytes())
        assert json.loads(socket.recv(10))["end"] == 0.5


def test_a_stream_of_nothing_has_an_empty_summary(server, connect):
    with connect(server) as socket:
        *_, summary = told(socket, np.zeros(0, "<i2"), 1)
    assert summary == {"type": "summary", "seconds": 0.0, "segments": 0, "label": None, "scores": []}


def test_a_banks_stream_names_its_task(server, connect, noise):
    with connect(server) as socket:
        ready, *_ = told(socket, noise(0.5), 10_000, encoding="f32le", model="bank", task="theirs", top_k=1)
    assert ready["labels"] == ["calm", "cross"]


STARTS = {
    "no json": ("hello", 1007),
    "a list": ("[1]", 1007),
    "encoding": ('{"encoding": "mp3"}', 1007),
    "rate": ('{"sampling_rate": 0}', 1007),
    "rate no number": ('{"sampling_rate": "16000"}', 1007),
    "channels": ('{"channels": 100000}', 1007),
    "window": ('{"window": -1}', 1007),
    "tiny hop": ('{"hop": 1e-12}', 1007),
    "short hop": ('{"window": 0.5, "hop": 0.001}', 1007),
    "close windows": ('{"window": 10, "hop": 0.09}', 1007),
    "long window": ('{"window": 61}', 1007),
    "model": ('{"model": "nobody"}', 1008),
    "model no text": ('{"model": {}}', 1007),
    "task": ('{"task": "x"}', 1007),
    "unknown": ('{"file": "/etc/passwd"}', 1007),
    "audio": (b"\0\0", 1007),
}


@pytest.mark.parametrize(("first", "code"), STARTS.values(), ids=STARTS)
def test_a_first_message_that_makes_no_sense_is_one_line(server, connect, quiet, first, code):
    with connect(server) as socket:
        socket.send(first)
        (error,) = rest(socket)
    assert (error["type"], socket.close_code) == ("error", code)
    assert "\n" not in error["message"]


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (b"\0\0\0", "audio: a message ends within a sample; send whole ones of all channels"),
        (np.full(400, np.nan, "<f4").tobytes(), "audio: holds NaN or infinite samples, or some that are far too large"),
        ('{"type": "what"}', 'stream: send audio in binary messages, and {"type": "end"} at its end'),
    ],
)
def test_what_is_no_audio_ends_a_stream_with_one_line(server, connect, quiet, second, error):
    with connect(server) as socket:
        socket.send('{"encoding": "f32le"}')
        socket.recv(10)
        socket.send(second)
        assert json.loads(socket.recv(10))["message"] == error


def test_streams_end_where_their_limits_are(start, connect, opened, noise):
    server = start(limits={"streams": 1, "stream_seconds": 1.0, "idle_seconds": 0.3})
    audio = (noise(0.8) * 32768).astype("<i2").tobytes()
    with connect(server) as first:
        first.send("{}")
        first.recv(10)
        with connect(server) as second:
            (error,) = rest(second)
        assert (error["message"], second.close_code) == ("busy: 1 streams are open; try again", 1013)
        first.send(audio)
        first.send(audio)
        *_, error = rest(first)
        assert error["message"] == "audio: a stream lasts at most 1 s; open another"
        assert first.close_code == 1009
    server.until(lambda: server.service.admission.streams == 0)
    with connect(server) as idle:
        idle.send("{}")
        *_, error = rest(idle)
        assert error["message"].startswith("stream: nothing came for 0.3 s")
    assert 'emonet_requests_total{endpoint="/v1/stream",status="408"} 1' in opened(server).get("/metrics").text


def test_a_client_that_leaves_leaves_nothing_behind(server, connect, quiet, noise):
    with connect(server) as socket:
        socket.send("{}")
        socket.recv(10)
        socket.send((noise(0.8) * 32768).astype("<i2").tobytes())
        socket.socket.shutdown(SHUT_RDWR)
    server.until(lambda: server.service.admission.streams == 0)
    assert len(server.service.scheduler) == 0


def test_a_message_of_many_windows_keeps_nobody_waiting_and_is_told_window_by_window(server, connect, noise):
    audio = (noise(20) * 32768).astype("<i2").tobytes()
    most = []
    with connect(server) as socket:
        socket.send('{"window": 0.5, "hop": 0.01}')
        socket.recv(10)
        socket.send(audio)
        for number in range(1_951):
            told = json.loads(socket.recv(20))
            assert (told["type"], told["start"]) == ("scores", pytest.approx(0.01 * number))
            most.append(len(server.service.scheduler))
    assert max(most) <= 8
