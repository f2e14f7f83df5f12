"""Tensors of the V2 protocol: read as they were written, in JSON and in binary, and refused where they make no sense."""

import json

import numpy as np
import pytest

from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.deploy.serving.tensors import Wanted, encode, parse_request

VALUES = np.array([[0.5, -1.25, 3e-8], [1e30, 0.0, 2.0]], np.float32)


def body(tensor=None, binary=b"", **head):
    one = {"name": "x", "datatype": "FP32", "shape": [2, 3], "data": VALUES.tolist()} | (tensor or {})
    text = json.dumps({"inputs": [{key: value for key, value in one.items() if value is not None}], **head}).encode()
    return text + binary, str(len(text))


def in_binary(raw, size=None):
    return body({"data": None, "parameters": {"binary_data_size": len(raw) if size is None else size}}, raw)


@pytest.mark.parametrize("nested", [True, False])
def test_values_in_json_may_be_nested_or_flat(nested):
    data = VALUES.tolist() if nested else VALUES.ravel().tolist()
    tensors, identifier, wanted = parse_request(body({"data": data})[0], None)
    np.testing.assert_array_equal(tensors["x"], VALUES)
    assert (tensors["x"].dtype, identifier, wanted) == (np.float32, None, [])


def test_binary_values_lie_behind_the_head_to_the_last_bit():
    tensors, _, _ = parse_request(*in_binary(VALUES.tobytes()))
    np.testing.assert_array_equal(tensors["x"], VALUES)


def test_outputs_are_wanted_as_each_says_or_as_all_are():
    outputs = [{"name": "a"}, {"name": "b", "parameters": {"binary_data": False}}]
    asked = body(id=7, outputs=outputs, parameters={"binary_data_output": True})[0]
    assert parse_request(asked, None)[1:] == ("7", [Wanted("a", binary=True), Wanted("b", binary=False)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ((b"[1]", None), "no request of the V2 protocol"),
        ((b"{", None), "no request of the V2 protocol"),
        ((b"[" * 100_000, None), "no request of the V2 protocol"),
        ((body({"datatype": "FP64"})[0], None), "'FP64' is not taken"),
        ((body({"shape": [2, 2]})[0], None), "6 values do not make the shape"),
        ((body({"shape": [-2, -3]})[0], None), "its shape makes no sense"),
        ((body({"shape": [1, 1, 1, 2, 3]})[0], None), "its shape makes no sense"),
        ((body({"shape": [10**30, 0], "data": []})[0], None), "no request of the V2 protocol"),
        ((body({"data": None})[0], None), "no request of the V2 protocol"),
        ((body({"datatype": "INT64", "data": [2**70] * 6})[0], None), "no request of the V2 protocol"),
        (body(binary=b"more"), "4 bytes lie behind the last tensor"),
        (in_binary(VALUES.tobytes()[:-4]), "binary_data_size is not that of its shape"),
        (in_binary(b"", size=24), "or beyond the body"),
        (in_binary(VALUES.tobytes(), size="24"), "binary_data_size"),
    ],
)
def test_what_makes_no_sense_is_one_line(content, words):
    with pytest.raises(RequestError) as caught:
        parse_request(*content)
    assert caught.value.status == 400
    assert words in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("length", ["", "-1", "1.5", "٣", "100000", "9" * 5_000, "0" * 5_000, "x"])
def test_a_length_of_the_head_that_is_none_is_one_line(length):
    with pytest.raises(RequestError, match="must be a number of bytes within the body"):
        parse_request(body()[0], length)


def test_an_answer_is_read_as_it_was_written():
    text, length = encode({"id": "7"}, [(Wanted("a", binary=False), VALUES)])
    assert length is None
    told = json.loads(text)
    assert told["id"] == "7"
    assert told["outputs"] == [{"name": "a", "datatype": "FP32", "shape": [2, 3], "data": VALUES.ravel().tolist()}]


def test_binary_outputs_follow_each_other_behind_the_head():
    answer, length = encode({}, [(Wanted("a", binary=True), VALUES), (Wanted("b", binary=True), VALUES[:1])])
    sizes = [one["parameters"]["binary_data_size"] for one in json.loads(answer[:length])["outputs"]]
    assert sizes == [24, 12]
    assert answer[length:] == VALUES.tobytes() + VALUES[:1].tobytes()


def test_infinities_are_the_largest_numbers_in_json_and_stay_in_binary():
    logits = np.array([-np.inf, 1.0], np.float32)
    (told,) = json.loads(encode({}, [(Wanted("a", binary=False), logits)])[0])["outputs"]
    assert told["data"] == [float(np.finfo(np.float32).min), 1.0]
    answer, length = encode({}, [(Wanted("a", binary=True), logits)])
    assert answer[length:] == logits.tobytes()
