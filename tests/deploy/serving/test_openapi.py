"""What the OpenAPI document says of every endpoint is what the endpoint answers."""

import pytest

FILE = {"file": None}


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def hold(document):
    """Hold an answer to what the document says of it."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

    def checked(path, method, answer):
        said = document["paths"][path][method]["responses"]
        assert str(answer.status_code) in said, (path, answer.status_code)
        found = said[str(answer.status_code)]
        if "$ref" in found:
            found = document["components"]["responses"][found["$ref"].rpartition("/")[2]]
        kind = answer.headers["content-type"].partition(";")[0]
        schema = {**found["content"][kind]["schema"], "components": document["components"]}
        value = answer.json() if kind == "application/json" else answer.text
        jsonschema.Draft202012Validator(schema).validate(value)

    return checked


INFER = {
    "inputs": [
        {"name": "waveform", "shape": [1, 400], "datatype": "FP32", "data": [0.0] * 400},
        {"name": "lengths", "shape": [1], "datatype": "INT64", "data": [400]},
    ]
}


def test_every_answer_has_the_shape_that_the_document_says(client, hold, wav, noise):
    audio = wav(noise())
    for path in (
        "/",
        "/openapi.json",
        "/health",
        "/metrics",
        "/v1/models",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
    ):
        hold(path, "get", client.get(path))
    for path in ("/v2/models/{name}", "/v2/models/{name}/ready"):
        hold(path, "get", client.get(path.format(name="bank")))
        hold(path, "get", client.get(path.format(name="nobody")))
    emotions, infer = "/v1/audio/emotions", "/v2/models/{name}/infer"
    answers = [
        client.post(emotions, files={"file": audio}, data={"window": 0.5}),
        client.post(emotions, files={"file": audio}, data={"model": "bank", "task": "ours"}),
        client.post(emotions, content=audio),
        client.post(emotions, content=b"x"),
        client.post(emotions, data={"file": "x"}),
        client.post(emotions, files={"file": audio}, data={"model": "x"}),
        client.post(emotions, content=audio, params={"x": 1}),
        client.post(emotions, content=audio, headers={"Origin": "http://x"}),
    ]
    assert [one.status_code for one in answers] == [200, 200, 200, 422, 415, 404, 400, 403]
    for answer in answers:
        hold(emotions, "post", answer)
    for name in ("listener", "nobody", "bank"):
        hold(infer, "post", client.post(infer.format(name=name), json=INFER))


def test_the_document_names_every_route_and_no_other(document, server):
    routes = server.app.app.routes
    known = {one.path for one in routes if "{version}" not in one.path} - {"/v1/stream"}
    assert set(document["paths"]) == known
    for route in routes:
        if route.path in document["paths"]:
            assert {method.lower() for method in route.methods} - {"head"} == set(document["paths"][route.path])


def test_the_document_is_openapi(document):
    validator = pytest.importorskip("openapi_spec_validator", reason="openapi-spec-validator is not installed")
    assert list(validator.OpenAPIV31SpecValidator(document).iter_errors()) == []
