"""Request bodies: what is read of them, and forms that are damaged."""

import asyncio
from dataclasses import replace

import pytest

pytest.importorskip("python_multipart", reason="the extra 'serve' is not installed")
requests = pytest.importorskip("starlette.requests", reason="the extra 'serve' is not installed")
httpx = pytest.importorskip("httpx", reason="httpx is not installed")

from emonet_bench.deploy.serving.admission import Admission  # noqa: E402
from emonet_bench.deploy.serving.body import parse_form, read_body  # noqa: E402
from emonet_bench.deploy.serving.errors import Disconnected, RequestError  # noqa: E402
from emonet_bench.deploy.serving.settings import Limits  # noqa: E402


def reading(*parts, most=10, memory=100, leaves=False, **headers):
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if leaves:
        messages.append({"type": "http.disconnect"})
    else:
        messages[-1]["more_body"] = False
    scope = {"type": "http", "headers": [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()]}

    async def receive():
        return messages.pop(0)

    admission = Admission(replace(Limits(), memory_bytes=memory))
    with admission.request() as held:
        body = asyncio.run(read_body(requests.Request(scope, receive), held, most))
        assert held.bytes == len(body)
        return body


def test_a_body_is_put_together_from_its_parts_and_counted():
    assert reading(b"ab", b"", b"cdefghij") == b"abcdefghij"
    assert reading(b"") == b""


@pytest.mark.parametrize("encoding", ["gzip", "br", "x"])
def test_a_compressed_body_is_refused(encoding):
    with pytest.raises(RequestError) as caught:
        reading(b"a", content_encoding=encoding)
    assert caught.value.status == 415
    assert reading(b"a", content_encoding="Identity") == b"a"


@pytest.mark.parametrize(("parts", "headers"), [((b"12345", b"678901"), {}), ((b"a",), {"content_length": "11"})])
def test_a_body_that_is_too_large_or_says_that_it_is_gets_413(parts, headers):
    with pytest.raises(RequestError, match="larger than 10 bytes") as caught:
        reading(*parts, **headers)
    assert caught.value.status == 413


def test_a_body_for_which_no_memory_is_left_gets_503():
    with pytest.raises(RequestError) as caught:
        reading(b"12345", memory=4)
    assert caught.value.status == 503


def test_a_client_that_leaves_is_an_event_of_its_own():
    with pytest.raises(Disconnected):
        reading(b"ab", leaves=True)


def form(files=(), **fields):
    request = httpx.Request("POST", "http://here", data=fields, files=files)
    return request.read(), request.headers["content-type"]


def test_a_form_of_an_http_library_is_fields_and_a_file():
    content = bytes(range(256)) * 5 + b"\r\n--"
    body, kind = form({"file": ("ä.wav", content)}, window="1.5", model="käse")
    assert parse_form(body, kind) == ({"window": "1.5", "model": "käse"}, content)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body, kind: (body, "multipart/form-data"), "names no boundary"),
        (lambda body, kind: (body[:-5], kind), "ends before its last boundary"),
        (lambda body, kind: (b"x" + body, kind), "damaged"),
        (lambda body, kind: (body.replace(b'name="file"', b"x"), kind), "a part has no name"),
        (lambda body, kind: (body.replace(b'name="file"', b'name="clip"'), kind), "holds no field 'file'"),
        (lambda body, kind: (body.replace(b'name="task"', b'name="window"'), kind), "'window' comes twice"),
        (lambda body, kind: (body.replace(b"emo", b"\xff\xfe"), kind), "no UTF-8 text"),
    ],
)
def test_a_damaged_form_is_one_line(change, words):
    with pytest.raises(RequestError, match=words) as caught:
        parse_form(*change(*form({"file": ("a.wav", b"123")}, window="1.5", task="emo")))
    assert caught.value.status == 400
    assert "\n" not in caught.value.message


def test_a_form_of_too_many_or_too_long_fields_is_refused():
    file = {"file": ("a.wav", b"123")}
    with pytest.raises(RequestError, match="more than 32 fields"):
        parse_form(*form(file, **{f"f{i}": "x" for i in range(40)}))
    with pytest.raises(RequestError, match="'task' is too long; the audio belongs in 'file'"):
        parse_form(*form(file, task="x" * 1_001))
