"""What a card tells of a training is what the run's record says, and never another run's."""

import pytest

from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.model_card.html import render_html
from emonet_bench.model_card.markdown import render_markdown
from emonet_bench.model_card.training import find_record, training_of
from emonet_bench.runs.files import RECORD
from tests.exported import record


@pytest.fixture
def told():
    return record(
        parameters={"total": 1_234_567, "trainable": 89},
        partitions={name: {"clips": 5, "speakers": 2, "labels": {"anger": 5}} for name in ("train", "dev", "test")},
        best_epoch=7,
        seconds={"train": 12.4},
        extensions={"energy": {"joules": 345.6, "parts": {"package-0": 345.6}}},
    )


@pytest.fixture
def run(tmp_path, told):
    (tmp_path / RECORD).write_text(told.text(), encoding="utf-8")
    return tmp_path


def test_the_record_beside_the_file_is_found(run, told):
    assert find_record(run / "model.onnx", told.run_id, None) == told


def test_a_file_elsewhere_knows_its_run_only_where_that_is_named(run, told, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "model.onnx"
    assert find_record(elsewhere, told.run_id, None) is None
    assert find_record(elsewhere, told.run_id, run) == told


def test_another_run_is_passed_over_and_refused_where_it_is_named(run):
    assert find_record(run / "model.onnx", "f" * 16, None) is None
    with pytest.raises(ConfigError, match="was exported from run ffffffffffffffff"):
        find_record(run / "model.onnx", "f" * 16, run)


def test_a_broken_record_is_passed_over_and_told_of_where_it_is_named(run, told):
    (run / RECORD).write_text("{", encoding="utf-8")
    assert find_record(run / "model.onnx", told.run_id, None) is None
    with pytest.raises(StoreError):
        find_record(run / "model.onnx", told.run_id, run)


def test_a_card_says_what_the_record_says(card, told):
    found = training_of(told, told.spec.corpus)
    assert found.partitions.keys() == {"train", "dev"}
    whole = card.model_copy(update={"training": found})
    for text in (render_markdown(whole), render_html(whole)):
        assert "Train: 5 clips of 2 speakers (anger 5)" in text
        assert "1,234,567 parameters, 89 of them trained" in text
        assert "epoch 7 was the best" in text
        assert "took 12 s" in text
        assert "Measured by the plugin energy: joules 345.6" in text
        assert "not recorded" not in text
    assert "epochs" in render_html(whole)
    plain = card.model_copy(update={"training": found.model_copy(update={"extensions": {}})})
    assert "Energy of the training: not recorded" in render_html(plain)


def test_a_card_without_a_record_says_so(card):
    for text in (render_markdown(card), render_html(card)):
        assert "unknown here" in text
