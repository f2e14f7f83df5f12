"""The application: errors of every kind are JSON, and CORS only where an origin is named."""

import asyncio
from dataclasses import replace

import pytest

pytest.importorskip("starlette", reason="the extra 'serve' is not installed")
pytest.importorskip("python_multipart", reason="the extra 'serve' is not installed")
httpx = pytest.importorskip("httpx", reason="httpx is not installed")

from emonet_bench.deploy.serving.app import create_app  # noqa: E402
from emonet_bench.deploy.serving.kserve import KServe  # noqa: E402
from emonet_bench.deploy.serving.settings import Settings  # noqa: E402
from emonet_bench.errors import ConfigError, EmonetBenchError  # noqa: E402


@pytest.fixture(scope="module")
def settings(model):
    return Settings((model,), "cpu", 1)


def ask(app, method="GET", path="/health", **options):
    async def asked():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.request(method, path, **options)

    return asyncio.run(asked())


def test_a_model_that_cannot_be_opened_is_told_before_anything_is_served(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.onnx"):
        create_app(Settings((tmp_path / "absent.onnx",), "cpu", 1))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("GET", "/v1/audio/emotions", 405), ("POST", "/health", 405)],
)
def test_what_there_is_no_route_for_points_to_the_document(settings, method, path, status):
    answer = ask(create_app(settings), method, path)
    assert answer.status_code == status
    assert answer.json()["error"].endswith("; see /openapi.json")


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (ConfigError("hop: odd"), 400, "hop: odd"),
        (EmonetBenchError("odd"), 500, "odd"),
        (RuntimeError("secret of the house"), 500, "the server made a mistake; its log says which"),
    ],
)
def test_an_error_is_one_line_of_json_and_a_strangers_error_stays_in_the_log(
    settings, monkeypatch, raised, status, said
):
    async def live(self, request):
        raise raised

    monkeypatch.setattr(KServe, "live", live)
    answer = ask(create_app(settings), path="/v2/health/live")
    assert (answer.status_code, answer.json()["error"]) == (status, said)


def test_only_pages_of_a_named_origin_may_read_answers(settings):
    named = create_app(replace(settings, origins=("https://mine.org",)))
    assert (
        ask(named, headers={"Origin": "https://mine.org"}).headers["access-control-allow-origin"] == "https://mine.org"
    )
    assert "access-control-allow-origin" not in ask(named).headers
