"""The V2 protocol gives what onnxruntime gives on the same tensors, in JSON and in binary."""

import json
import struct

import numpy as np
import onnxruntime
import pytest

from tests.export.test_multi_task import TASKS

HEADER = "Inference-Header-Content-Length"
INFER = "/v2/models/listener/infer"


@pytest.fixture(scope="module")
def batch(noise):
    waveform = np.zeros((2, 8_000), np.float32)
    waveform[0], waveform[1, :5_000] = noise(0.5), noise(0.5, seed=1)[:5_000]
    return {"waveform": waveform, "lengths": np.array([8_000, 5_000])}


@pytest.fixture(scope="module")
def expected(model, batch):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, batch), strict=True))


def tensor(name, array, **more):
    kind = {"f": "FP32", "i": "INT64"}[array.dtype.kind]
    return {"name": name, "shape": list(array.shape), "datatype": kind, **more}


def as_json(batch):
    return [tensor(name, array, data=array.tolist()) for name, array in batch.items()]


def test_health_and_metadata_are_told(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/listener/ready").json() == {"name": "listener", "ready": True}
    assert client.get("/v2/models/listener/versions/1/ready").status_code == 200
    told = client.get("/v2/models/listener").json()
    assert told["inputs"][0] == {"name": "waveform", "datatype": "FP32", "shape": [-1, -1]}
    assert [one["name"] for one in told["outputs"]] == ["probabilities", "logits", "embedding"]
    assert client.get("/v2/models/nobody").status_code == 404
    assert client.get("/v2/models/listener/versions/7").json()["error"] == "version: listener has only 1"


@pytest.mark.parametrize("nested", [True, False])
def test_tensors_in_json_give_what_onnxruntime_gives(client, batch, expected, nested):
    inputs = as_json(batch)
    if not nested:
        inputs = [{**one, "data": np.ravel(one["data"]).tolist()} for one in inputs]
    answer = client.post(INFER, json={"id": "seven", "inputs": inputs}).json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("listener", "1", "seven")
    for one in answer["outputs"]:
        np.testing.assert_allclose(np.reshape(one["data"], one["shape"]), expected[one["name"]], atol=1e-6)


def test_binary_tensors_give_what_onnxruntime_gives(client, batch, expected):
    inputs = [tensor(name, array, parameters={"binary_data_size": array.nbytes}) for name, array in batch.items()]
    outputs = [{"name": "logits", "parameters": {"binary_data": True}}, {"name": "probabilities"}]
    head = json.dumps({"inputs": inputs, "outputs": outputs}).encode()
    body = head + batch["waveform"].tobytes() + batch["lengths"].astype("<i8").tobytes()
    answer = client.post(INFER, content=body, headers={HEADER: str(len(head))})
    size = int(answer.headers[HEADER])
    logits, probabilities = json.loads(answer.content[:size])["outputs"]
    found = np.frombuffer(answer.content[size:], "<f4").reshape(logits["shape"])
    np.testing.assert_allclose(found, expected["logits"], atol=1e-6)
    np.testing.assert_allclose(np.ravel(probabilities["data"]), expected["probabilities"].ravel(), atol=1e-6)


@pytest.mark.parametrize("binary", [True, False])
def test_tritons_client_reads_it(server, batch, expected, binary):
    triton = pytest.importorskip(
        "tritonclient.http", reason="tritonclient[http] is not installed", exc_type=ImportError
    )
    asked = triton.InferenceServerClient(server.url.removeprefix("http://"))
    try:
        assert asked.is_server_live()
        assert asked.is_server_ready()
        assert asked.is_model_ready("listener")
        inputs = []
        for name, array in batch.items():
            one = triton.InferInput(name, array.shape, {"f": "FP32", "i": "INT64"}[array.dtype.kind])
            one.set_data_from_numpy(array, binary_data=binary)
            inputs.append(one)
        outputs = [triton.InferRequestedOutput("probabilities", binary_data=binary)]
        found = asked.infer("listener", inputs, outputs=outputs).as_numpy("probabilities")
    finally:
        asked.close()
    np.testing.assert_allclose(found, expected["probabilities"], atol=1e-6)


def test_a_banks_task_is_a_tensor(client, bank, batch):
    task = {"task": np.array(1)}
    session = onnxruntime.InferenceSession(str(bank), providers=["CPUExecutionProvider"])
    (expected,) = session.run(["probabilities"], batch | task)
    body = {"inputs": as_json(batch | task), "outputs": [{"name": "probabilities"}, {"name": "logits"}]}
    answer = client.post("/v2/models/bank/infer", json=body)
    found = answer.json()["outputs"][0]
    np.testing.assert_allclose(np.reshape(found["data"], found["shape"]), expected, atol=1e-6)
    assert found["shape"][1] == max(map(len, TASKS.values()))
    beyond = client.post("/v2/models/bank/infer", json={"inputs": as_json(batch | {"task": np.array(3)})})
    assert (beyond.status_code, beyond.json()["error"][:25]) == (400, "task: must be one number,")


def changed(inputs, number, **changes):
    return [{**one, **changes} if at == number else one for at, one in enumerate(inputs)]


SHORT = {"waveform": np.zeros((1, 4), np.float32), "lengths": np.array([4])}
WRONG = {
    "no json": b"{",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "no inputs": {},
    "one input": {"inputs": as_json(SHORT)[:1]},
    "unknown input": {"inputs": [*as_json(SHORT), tensor("x", SHORT["lengths"], data=[1])]},
    "wrong type": {"inputs": changed(as_json(SHORT), 1, datatype="FP32")},
    "unknown type": {"inputs": changed(as_json(SHORT), 0, datatype="BYTES")},
    "ragged": {"inputs": changed(as_json(SHORT), 0, data=[[1, 2], [3]])},
    "texts": {"inputs": changed(as_json(SHORT), 0, data=["a"] * 4)},
    "too few": {"inputs": changed(as_json(SHORT), 0, shape=[1, 5])},
    "negative": {"inputs": changed(as_json(SHORT), 0, shape=[-1, -4])},
    "huge shape": {"inputs": changed(as_json(SHORT), 0, shape=[2**40, 2**40])},
    "flat": {"inputs": changed(as_json(SHORT), 0, shape=[4])},
    "no rows": {"inputs": changed(changed(as_json(SHORT), 0, shape=[0, 4], data=[]), 1, shape=[0], data=[])},
    "length 0": {"inputs": changed(as_json(SHORT), 1, data=[0])},
    "length beyond": {"inputs": changed(as_json(SHORT), 1, data=[5])},
    "length no int64": {"inputs": changed(as_json(SHORT), 1, data=[2**70])},
    "nan": {"inputs": changed(as_json(SHORT), 0, data=[None, 1, 2, 3])},
    "unknown output": {"inputs": as_json(SHORT), "outputs": [{"name": "secrets"}]},
    "binary beyond": {"inputs": changed(as_json(SHORT), 0, parameters={"binary_data_size": 16})},
    "binary negative": {"inputs": changed(as_json(SHORT), 0, parameters={"binary_data_size": -16})},
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_tensors_that_make_no_sense_are_one_line(client, quiet, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(INFER, content=content)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("length", ["-1", "x", "9" * 400, "²"])
def test_a_header_length_that_makes_no_sense_is_one_line(client, length):
    headers = [(HEADER.encode(), length.encode())]
    answer = client.post(INFER, content=b"{}" + struct.pack("<f", 1), headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, f"{HEADER}: must be a number of bytes within the body")


def test_more_audio_than_the_server_takes_is_refused(client):
    wide = {"waveform": np.zeros((65, 4), np.float32), "lengths": np.full(65, 4)}
    assert client.post(INFER, json={"inputs": as_json(wide)}).status_code == 413
