"""A model's card and metadata say what its run says, of one corpus at a time."""

import json

import pytest

from emonet_bench.escaping import markdown_table
from emonet_bench.export.card import joined, metadata_of, model_card
from emonet_bench.types import InputSpec
from tests.exported import SIGNAL, joint_record, record


def test_a_card_warns_of_generated_audio_and_names_every_label():
    metadata = metadata_of(record(synthetic=True), SIGNAL, (0.4, 0.6))
    card = model_card(metadata, record(synthetic=True), "m.onnx")
    assert "Trained on generated audio" in card
    assert "| partition | UAR | accuracy | anger | joy | sadness |" in card
    assert "| test | 0.500 [0.400, 0.600] | 0.500 | 0.500 | 1.000 | - |" in card
    assert "Trained on generated audio" not in model_card(metadata, record(), "m.onnx")


def test_how_emotions_were_elicited_is_said_where_the_record_says_it():
    metadata = metadata_of(record(elicitation="acted"), SIGNAL)
    assert metadata["elicitation"] == "acted"
    assert "Corpus: ours (elicitation: acted)." in model_card(metadata, record(elicitation="acted"), "m.onnx")
    assert metadata_of(record(), SIGNAL)["elicitation"] == ""
    assert "elicitation" not in model_card(metadata, record(), "m.onnx")


def test_a_joint_run_is_described_one_corpus_at_a_time():
    metadata = metadata_of(joint_record().of("theirs"), SIGNAL)
    assert metadata["corpus"] == "theirs"
    assert metadata["protocol"] == "folds"
    assert metadata["labels"] == '["calm", "cross"]'
    assert metadata["uar"] == "0.7"


def test_what_is_heard_is_in_the_metadata_and_in_the_cards_words():
    windows = InputSpec(16_000, 24_000, 12_000)
    metadata = metadata_of(record(), windows)
    assert (metadata["window"], metadata["hop"]) == ("1.5", "0.75")
    assert "windows of 1.5 s, one every 0.75 s" in model_card(metadata, record(), "m.onnx")


def test_a_score_of_onnxruntime_has_a_row_of_its_own():
    metadata = metadata_of(record(), SIGNAL)
    assert "onnxruntime | 0" not in model_card(metadata, record(), "m.onnx")
    assert "| test, onnxruntime | 0.250 |" in model_card({**metadata, "uar_onnx": "0.25"}, record(), "m.onnx")


def test_speakers_that_are_not_known_are_said_to_be_unknown():
    card = model_card(metadata_of(record(), SIGNAL), record(), "m.onnx")
    assert "| train | 30 | 3 |" in card
    assert "| test | 12 | unknown |" in card


def test_what_tasks_have_in_common_is_said_once():
    same = {"labels": "[1, 2]", "uar": "0.5", "uar_interval": "[0.4, 0.6]"}
    assert joined({"a": same, "b": same}) == {**same, "labels": '{"a": [1, 2], "b": [1, 2]}'}


def test_what_differs_between_tasks_is_said_of_each():
    two = {
        name: {"labels": f'["{name}"]', "uar_interval": interval, "uar": uar, "packages": "{}"}
        for name, interval, uar in (("a", "[0.1, 0.2]", "0.15"), ("b", "", "0.7"))
    }
    told = joined(two)
    assert json.loads(told["uar_interval"]) == {"a": [0.1, 0.2], "b": ""}
    assert json.loads(told["uar"]) == {"a": "0.15", "b": "0.7"}
    assert told["packages"] == "{}"


@pytest.mark.parametrize("licence", ["[academic use only]", "{on request", "[1]"])
def test_a_licence_in_brackets_is_text(licence):
    told = joined({"a": {"labels": "[1]", "licence": licence}, "b": {"labels": "[2]", "licence": "CC0"}})
    assert json.loads(told["licence"]) == {"a": licence, "b": "CC0"}


def test_a_table_has_a_line_under_its_head_and_one_for_each_row():
    assert markdown_table(("a", "b"), [("1", "2"), ("3", "4")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"


def test_a_fold_is_named_where_there_is_one():
    for fold, words in ((None, "seed 3.\n"), (2, "seed 3, fold 2.\n")):
        told = record().model_copy(update={"spec": record().spec.model_copy(update={"seed": 3, "fold": fold})})
        assert words in model_card(metadata_of(told, SIGNAL), told, "m.onnx")
