"""Who may ask: keys, origins, host names; and what is counted of what was asked."""

import json
import math

import pytest

KEY, OTHER = "correct horse battery staple", "another-key-of-some-length"


@pytest.fixture(scope="module")
def locked(start):
    return start(keys=(KEY, OTHER), origins=("https://friend.example",), hosts=("127.0.0.1", "[::1]"))


@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/v2/models/listener", "/nothing"])
def test_without_a_key_nothing_is_told(opened, locked, path):
    client = opened(locked)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}, {"X-API-Key": KEY[:-1]}):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert client.post("/v1/audio/emotions", content=b"x" * 1000).status_code == 401


@pytest.mark.parametrize("headers", [{"Authorization": f"Bearer {KEY}"}, {"X-API-Key": OTHER}])
def test_any_of_the_keys_opens(opened, locked, headers):
    assert opened(locked).get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/v2/health/live", "/v2/health/ready", "/openapi.json"])
def test_the_page_and_health_are_open_and_name_no_model(opened, locked, path):
    answer = opened(locked).get(path)
    assert answer.status_code == 200
    assert "0123456789abcdef" not in answer.text


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/v1/models", 401)])
def test_no_answer_is_kept_or_guessed_at_by_a_browser(opened, locked, path, status):
    answer = opened(locked).get(path)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_a_stream_brings_its_key_in_the_first_message_or_in_a_header(connect, locked, quiet):
    with connect(locked) as socket:
        socket.send(json.dumps({"api_key": KEY}))
        assert json.loads(socket.recv(10))["type"] == "ready"
    with connect(locked, additional_headers={"Authorization": f"Bearer {KEY}"}) as socket:
        socket.send("{}")
        assert json.loads(socket.recv(10))["type"] == "ready"
    for first in ("{}", json.dumps({"api_key": "wrong"})):
        with connect(locked) as socket:
            socket.send(first)
            assert json.loads(socket.recv(10))["status"] == 401
    refused = pytest.importorskip("websockets.exceptions", reason="websockets is not installed").InvalidStatus
    with pytest.raises(refused, match="401"), connect(locked, additional_headers={"X-API-Key": "wrong"}):
        pass


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_pages_of_other_sites_are_refused(opened, connect, locked, quiet, origin):
    headers = {"Origin": origin, "X-API-Key": KEY}
    answer = opened(locked).get("/v1/models", headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    refused = pytest.importorskip("websockets.exceptions", reason="websockets is not installed").InvalidStatus
    with pytest.raises(refused, match="403"), connect(locked, origin=origin):
        pass


def test_a_named_origin_may_ask_and_so_may_the_servers_own_page(opened, locked):
    client = opened(locked)
    friend = {"Origin": "https://friend.example"}
    answer = client.get("/v1/models", headers={**friend, "X-API-Key": KEY})
    assert answer.headers["access-control-allow-origin"] == "https://friend.example"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    assert client.options("/v1/audio/emotions", headers={**friend, **asked}).status_code == 200
    assert client.get("/v1/models", headers={"Origin": locked.url, "X-API-Key": KEY}).status_code == 200


def test_cors_is_off_where_no_origin_is_named(client):
    answer = client.options("/v1/audio/emotions", headers={"Access-Control-Request-Method": "POST"})
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example"])
def test_a_name_that_was_made_to_resolve_here_is_refused(opened, locked, host):
    assert opened(locked).get("/health", headers={"Host": host}).status_code == 421
    assert opened(locked).get("/health", headers={"Host": "127.0.0.1:9"}).status_code == 200


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://127.0.0.1:9/health", "evil.example", 200),
        ("HTTP://127.0.0.1?a=b", "127.0.0.1", 200),
        ("http://127.0.0.1/v1/%6dodels", "127.0.0.1", 200),
        ("http://evil.example/health", "127.0.0.1", 421),
        ("ftp://127.0.0.1/health", "127.0.0.1", 404),
    ],
)
def test_a_request_line_may_hold_the_whole_address_which_counts_more_than_its_host(locked, target, host, status):
    lines = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {OTHER}\r\nConnection: close\r\n\r\n"
    assert locked.raw(lines.encode()).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_whole_address_opens_no_more_than_its_path(locked):
    for target, status in (("http://127.0.0.1/health", 200), ("http://127.0.0.1/v1/models", 401)):
        answer = locked.raw(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_metrics_are_read_by_prometheus_own_parser_and_count(opened, start, wav, noise):
    parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")
    client = opened(start())
    for seconds in (1, 2):
        client.post("/v1/audio/emotions", files={"file": wav(noise(seconds))}, data={"window": 0.5})
    client.post("/v1/audio/emotions", content=b"no audio")
    client.get('/an"y\\path')
    families = {one.name: one for one in parser.text_string_to_metric_families(client.get("/metrics").text)}

    def value(family, sample, **labels):
        found = [
            one.value for one in families[family].samples if one.name == sample and labels.items() <= one.labels.items()
        ]
        return math.fsum(found)

    asked = {"endpoint": "/v1/audio/emotions"}
    assert value("emonet_requests", "emonet_requests_total", status="200", **asked) == 2
    assert value("emonet_requests", "emonet_requests_total", status="422", **asked) == 1
    assert value("emonet_requests", "emonet_requests_total", status="404", endpoint="other") == 1
    assert value("emonet_request_seconds", "emonet_request_seconds_count", **asked) == 3
    assert value("emonet_request_seconds", "emonet_request_seconds_bucket", le="+Inf", **asked) == 3
    assert value("emonet_audio_seconds", "emonet_audio_seconds_total", model="listener") == pytest.approx(3)
    assert value("emonet_batch_size", "emonet_batch_size_sum") == 6
    for gauge in ("emonet_queue_length", "emonet_requests_in_flight", "emonet_request_bytes", "emonet_streams"):
        assert value(gauge, gauge) == 0
