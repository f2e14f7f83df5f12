"""Load and limits: what is too much is told so at once, what was admitted is answered, and nothing touches the disk."""

import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

PATH = "/v1/audio/emotions"


@pytest.fixture
def held(monkeypatch):
    """Hold every call of a model until it is let go."""
    from emonet_bench.deploy.model import Model

    go, real, begun = threading.Event(), Model.probabilities, []

    def slow(model, clips):
        begun.append(len(clips))
        assert go.wait(20)
        return real(model, clips)

    monkeypatch.setattr(Model, "probabilities", slow)
    go.begun = begun
    yield go
    go.set()


def test_a_full_queue_is_told_with_a_time_to_come_again(start, opened, held, wav, noise):
    server = start(limits={"requests": 3})
    client = opened(server)
    with ThreadPoolExecutor(3) as clients:
        waiting = [clients.submit(client.post, PATH, content=wav(noise())) for _ in range(3)]
        server.until(lambda: server.service.admission.requests == 3)
        answer = client.post(PATH, content=wav(noise()))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json() == {"error": "busy: 3 requests are waiting; try again"}
        held.set()
        assert [one.result().status_code for one in waiting] == [200] * 3
    assert client.post(PATH, content=wav(noise())).status_code == 200


def test_no_more_memory_is_held_than_allowed(start, opened, held, wav, noise):
    server = start(limits={"memory_bytes": 250_000})
    client = opened(server)
    with ThreadPoolExecutor(2) as clients:
        first = clients.submit(client.post, PATH, content=wav(noise(2)))  # 64 kB, and 128 kB of samples
        server.until(lambda: held.begun)
        assert server.service.admission.bytes == 64_044 + 128_000
        assert client.post(PATH, content=wav(noise(2))).json()["error"].startswith("busy: no memory is left")
        held.set()
        assert first.result().status_code == 200
    server.until(lambda: server.service.admission.bytes == 0)


def test_what_waits_is_scored_in_batches_of_like_length(start, opened, held, wav, noise):
    server = start(threads=1)
    client = opened(server)
    with ThreadPoolExecutor(8) as clients:
        first = clients.submit(client.post, PATH, content=wav(noise(0.5)))
        server.until(lambda: held.begun == [1])
        sizes = [0.5, 0.55, 0.5, 2.0, 0.52]
        rest = [clients.submit(client.post, PATH, content=wav(noise(size))) for size in sizes]
        server.until(lambda: len(server.service.scheduler) == len(sizes))
        held.set()
        found = [one.result().json() for one in [first, *rest]]
    assert sorted(held.begun) == [1, 1, 4]
    assert found[0] == client.post(PATH, content=wav(noise(0.5))).json()


def test_a_request_that_takes_too_long_is_given_up_and_so_is_its_place(start, opened, held, wav, noise):
    server = start(limits={"request_seconds": 0.3}, threads=1)
    client = opened(server)
    answer = client.post(PATH, content=wav(noise()))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    late = client.post(PATH, content=wav(noise()))
    assert late.status_code == 503
    held.set()
    server.until(lambda: not len(server.service.scheduler))
    assert len(held.begun) == 1, "what was given up is not scored"


def test_a_body_that_comes_too_slowly_is_given_up(start):
    server = start(limits={"request_seconds": 0.3})
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode() + b"x" * 10)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408 ")
    server.until(lambda: server.service.admission.requests == 0)


def test_a_head_that_never_ends_is_given_up(start, monkeypatch):
    from emonet_bench.deploy.serving import protocol

    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    server = start()
    for beginning in (b"", b"GET / HT", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(beginning)
            if beginning.endswith(b"\r\n\r\n"):
                answer = b""
                while not answer.endswith(b"}"):
                    answer += connection.recv(65536)
                connection.sendall(b"GET /he")
            assert connection.recv(65536) == b"", "the server has closed it"


@pytest.mark.parametrize("told", [True, False])
def test_a_body_that_is_too_large_is_refused(start, opened, told):
    client = opened(start(limits={"body_bytes": 1000}))
    content = b"x" * 2000 if told else iter([b"x" * 600] * 3)
    answer = client.post(PATH, content=content)
    assert (answer.status_code, answer.json()["error"][:30]) == (413, "body: larger than 1000 bytes; ")


def test_compressed_bodies_are_refused(client):
    answer = client.post(PATH, content=b"x", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize("form", ["WAV", "FLAC"])
def test_audio_that_is_too_long_is_refused(start, opened, wav, form):
    client = opened(start(limits={"audio_seconds": 2.0}))
    assert client.post(PATH, content=wav(np.zeros(32_000), form=form)).status_code == 200
    answer = client.post(PATH, content=wav(np.zeros(32_001), form=form))
    assert answer.json() == {"error": "audio: lasts more than 2 s; send it in parts, or as a stream"}
    assert answer.status_code == 413


def test_a_bomb_of_silence_is_refused_before_it_is_unpacked(client, wav):
    hours = wav(np.zeros(4 * 3600 * 1000, np.int16), 1_000, "FLAC")
    assert len(hours) < 200_000
    assert client.post(PATH, content=hours).status_code == 413


def test_one_long_request_does_not_keep_others_waiting(start, opened, held, wav, noise):
    server = start(threads=1)
    client = opened(server)
    with ThreadPoolExecutor(1) as clients:
        long = clients.submit(client.post, PATH, files={"file": wav(noise(60))}, data={"window": 0.5})
        server.until(lambda: held.begun)
        assert len(server.service.scheduler) <= 4
        held.set()
        assert len(long.result().json()["segments"]) == 120


def test_nothing_of_a_request_touches_the_disk(client, wav, noise):
    opened, listening = [], True

    def heard(event, arguments):
        if listening and event in {
            "open",
            "os.mkdir",
            "os.rename",
            "os.remove",
            "subprocess.Popen",
            "tempfile.mkstemp",
        }:
            opened.append((event, arguments))

    sys.addaudithook(heard)  # there is no way to take it away
    try:
        files = {"file": ("/tmp/../etc/evil.wav", wav(noise(60), 44_100))}  # 5 MB: more than Starlette keeps in memory
        assert client.post(PATH, files=files, data={"window": "10"}).status_code == 200
        assert client.post(PATH, content=wav(noise())).status_code == 200
    finally:
        listening = False
    assert opened == []
