"""Hostile requests: whatever comes is answered with 4xx or cut off, nothing is lost, and no traceback is logged."""

import io
import json
import random
import socket
import struct
from functools import cache

import numpy as np
import pytest
import soundfile

EMOTIONS = "/v1/audio/emotions"
INFER = "/v2/models/listener/infer"
BOUNDARY = "b0undary"


class Cut(bytes):
    """A request that ends before its time."""

    __slots__ = ()


def post(path, body, kind="audio/wav", **headers):
    told = {"Host": "127.0.0.1", "Content-Type": kind, "Content-Length": len(body), "Connection": "close", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items() if value is not None)
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def form(content, name="file", end="--"):
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="x.wav"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}{end}\r\n".encode()


MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def bad_multipart(chance, audio):
    whole = form(audio)
    return chance.choice(
        [
            lambda: post(EMOTIONS, whole[: chance.randrange(len(whole) - 6)], MULTIPART),
            lambda: post(EMOTIONS, whole, "multipart/form-data"),
            lambda: post(EMOTIONS, whole, "multipart/form-data; boundary="),
            lambda: post(EMOTIONS, whole, f"multipart/form-data; boundary={'x' * chance.randrange(1, 5_000)}"),
            lambda: post(EMOTIONS, form(audio, "other"), MULTIPART),
            lambda: post(EMOTIONS, form(audio, end="") + whole, MULTIPART),
            lambda: post(
                EMOTIONS, b"".join(form(b"x", f"f{number}", end="") for number in range(50)) + whole, MULTIPART
            ),
            lambda: post(EMOTIONS, chance.randbytes(300), MULTIPART),
            lambda: post(EMOTIONS, whole.replace(b"Content-Disposition", b"Content-Disp" + b"o" * 9000), MULTIPART),
            lambda: post(EMOTIONS, whole.replace(b'name="file"', b'name="\xff\xfe"'), MULTIPART),
        ]
    )()


def wrong_length(chance, audio):
    return chance.choice(
        [
            lambda: Cut(post(EMOTIONS, audio, Content_Length=len(audio) + chance.randrange(1, 1000))),
            lambda: post(EMOTIONS, audio, Content_Length=chance.choice(["-1", "x", "1e3", "9" * 30, "12, 13"])),
            lambda: post(EMOTIONS, audio, Content_Length=10**12),
            lambda: post(EMOTIONS, b"zz\r\n" + audio, Content_Length=None, Transfer_Encoding="chunked"),
            lambda: Cut(post(EMOTIONS, b"5\r\nabc", Content_Length=None, Transfer_Encoding="chunked")),
            lambda: post(EMOTIONS, audio, Transfer_Encoding="gzip, chunked"),
        ]
    )()


def cut_audio(chance, audio):
    damaged = bytearray(audio)
    kind = chance.randrange(3)
    if kind == 0:
        damaged = damaged[: chance.randrange(len(audio) - 2)]
    elif kind == 1:
        damaged[:12] = chance.randbytes(12)
    else:
        struct.pack_into("<I", damaged, 24, chance.choice([0, 1, 2**31, 2**32 - 1]))  # the rate
    return post(EMOTIONS, bytes(damaged))


def huge_headers(chance, audio):
    return chance.choice(
        [
            lambda: post(EMOTIONS, audio, X="y" * 100_000),
            lambda: post(EMOTIONS, audio, **{f"X{number}": "y" * 100 for number in range(500)}),
            lambda: post(EMOTIONS + "?" + "a=b&" * 10_000, audio),
            lambda: b"GET " + b"/" * 100_000,
            lambda: chance.randbytes(1000) + b"\r\n\r\n",
            lambda: b"POST / HTTP/9.9\r\nConnection: close\r\n\r\n",
            lambda: post(EMOTIONS, audio, Host="\x00"),
        ]
    )()


@cache
def silence(kind):
    """Write minutes of silence, more than are taken, in some kilobytes."""
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", 8_000, 1, format=kind) as file:
        for _ in range(700):
            file.write(np.zeros(8_000, np.int16))  # libvorbis cannot take all of it at once
    return content.getvalue()


def much_silence(chance, audio):
    bomb = silence(chance.choice(["FLAC", "OGG"]))
    assert len(bomb) < 2**18
    return chance.choice([lambda: post(EMOTIONS, bomb), lambda: post(EMOTIONS, form(bomb), MULTIPART)])()


def odd_tensors(chance, audio):
    one = {
        "name": "waveform",
        "shape": [1, chance.choice([-1, 10**9, 4.5])],
        "datatype": "FP32",
        "data": [chance.random()],
    }
    body = json.dumps({"inputs": [one]}).encode()
    return chance.choice(
        [
            lambda: post(INFER, body, "application/json"),
            lambda: post(INFER, body + audio, "application/octet-stream", Inference_Header_Content_Length=len(body)),
            lambda: post(INFER, b"[" * 50_000, "application/json"),
            lambda: post("/v2/models/..%2f..%2fetc%2fpasswd/infer", body, "application/json"),
            lambda: post(EMOTIONS, json.dumps({"inputs": "/etc/passwd"}).encode(), "application/json"),
            lambda: post(EMOTIONS + "?model=%2fetc%2fpasswd", audio),
            lambda: post(EMOTIONS + f"?top_k={'9' * 5000}", audio),
        ]
    )()


KINDS = (bad_multipart, wrong_length, cut_audio, huge_headers, odd_tensors, much_silence)


def besiege(server, audio, count, seed):
    """Send hostile requests; return what did not end with 4xx or with a closed connection, and how many were told why."""
    chance = random.Random(seed)
    odd, told = [], 0
    for _ in range(count):
        request = chance.choice(KINDS)(chance, audio)
        try:
            answer = server.raw(request, cut=isinstance(request, Cut))
        except (ConnectionResetError, BrokenPipeError):
            continue  # it was told to go before it had said everything
        told += bool(answer)
        if answer and not answer.startswith(b"HTTP/1.1 4"):
            odd.append((request[:300], answer[:300]))
    return odd, told


def still_well(server, client, audio, before):
    """Hold a server to have lost nothing."""
    server.until(lambda: not server.service.admission.requests)
    assert (server.service.admission.bytes, len(server.service.scheduler)) == (0, 0)
    assert client.post(EMOTIONS, content=audio).json() == before


def test_some_hundred_hostile_requests_get_4xx_and_leave_nothing_behind(server, client, quiet, wav, noise):
    audio = wav(noise(0.2))
    before = client.post(EMOTIONS, content=audio).json()
    odd, told = besiege(server, audio, 300, seed=1)
    assert odd == []
    assert told > 200
    still_well(server, client, audio, before)


@pytest.mark.slow
def test_two_thousand_hostile_requests_get_4xx_and_leave_nothing_behind(server, client, quiet, wav, noise):
    audio = wav(noise(0.2))
    before = client.post(EMOTIONS, content=audio).json()
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    for number, one in enumerate(slow):
        one.sendall(post(EMOTIONS, audio)[: 10 * number + 1])
    odd, told = besiege(server, audio, 2_000, seed=2)
    assert odd == []
    assert told > 1_500
    for one in slow:
        one.close()
    still_well(server, client, audio, before)


def test_hostile_streams_leave_nothing_behind(server, connect, quiet):
    closed = pytest.importorskip("websockets.exceptions", reason="websockets is not installed").ConnectionClosed
    for message in (b"x" * (2**20 + 1), "x" * (2**20 + 1), "[" * 100_000, '{"window": 1e400}'):
        with connect(server) as stream:
            stream.send(message)
            with pytest.raises(closed):
                while True:
                    stream.recv(10)
    server.until(lambda: not server.service.admission.streams)
