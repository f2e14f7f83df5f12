"""Facts of a run: strict parts of a record, and JSON of strangers that any program could hold."""

import json

import pytest
from pydantic import ValidationError

from emonet_bench.runs.facts import CorpusFacts, Exported, Parameters, PartitionFacts, Scores, parse_json, stated


@pytest.mark.parametrize(
    "value",
    [
        None, True, "", "ä\u2028\x7f", 0, -0.0, 1e308, 5e-324, 2**63 - 1, -(2**63), 0.1 + 0.2, [], {},
        {"a": [1, {"b": [None, False, "x"]}], "": {"c": 2.5}},
    ],
)  # fmt: skip
def test_json_is_read_as_the_standard_library_reads_it(value):
    text = json.dumps(value)
    assert parse_json(text) == parse_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize("place", ["{}", "[{}]", '{{"a": [1, {{"b": {}}}]}}'])
@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("NaN", "a number that is none or too large"),
        ("1e999", "a number that is none or too large"),
        (str(2**63), "a whole number of more than 64 bits"),
        (str(-(2**63) - 1), "a whole number of more than 64 bits"),
    ],
)
def test_a_number_that_no_other_program_could_hold_is_refused_wherever_it_stands(place, number, message):
    with pytest.raises(ValueError, match=message):
        parse_json(place.format(number))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": 1,}', b"\xff"])
def test_what_is_no_json_is_one_line(text):
    with pytest.raises(ValueError, match=r".") as caught:
        parse_json(text)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, ValidationError)


def test_only_what_was_given_is_handed_on():
    facts = CorpusFacts(labels=["a"], licence="")
    assert stated(facts) == {"labels": ["a"], "licence": ""}
    assert CorpusFacts(**stated(facts)).model_fields_set == {"labels", "licence"}


@pytest.mark.parametrize(
    ("part", "given_values"),
    [
        (Scores, {"uar": 1.1}),
        (Scores, {"uar": "0.5"}),
        (Scores, {"uar": float("nan")}),
        (Scores, {"uar": 0.5, "war": 0.5}),
        (Parameters, {"total": 1.5, "trainable": 1}),
        (PartitionFacts, {"clips": -1}),
        (CorpusFacts, {"labels": ["x" * 201]}),
        (CorpusFacts, {"audit": "fine"}),
    ],
)
def test_a_part_takes_no_unknown_key_no_text_for_a_number_and_nothing_out_of_range(part, given_values):
    with pytest.raises(ValidationError):
        part(**given_values)


@pytest.mark.parametrize("name", ["../model.onnx", "a/b", "a\\b", "..", "", "a\nb"])
def test_a_file_of_a_record_is_a_single_name(name):
    assert Exported(file="model.onnx").file == "model.onnx"
    with pytest.raises(ValidationError, match="name of a file"):
        Exported(file=name)


def test_a_part_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Scores(uar=0.5).uar = 1.0
