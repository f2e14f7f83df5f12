"""A run beside its repetition: all that either of them states is compared."""

import math

import pytest

from emonet_bench.report.checking.comparison import compare_records
from tests.exported import LABELS, record

FILES = {"predictions.csv": "a" * 64, "model.safetensors": "b" * 64}
CONFUSION = {"test": [[2, 1, 0], [0, 3, 0], [0, 0, 0]]}


def test_a_run_and_its_like_are_identical():
    found = compare_records(record(files=FILES, confusion=CONFUSION), record(files=FILES, confusion=CONFUSION))
    assert (found.difference, found.identical, found.context) == (0, True, ())


def test_a_score_that_differs_is_named_with_both_values():
    found = compare_records(record(), record(scores={"test": {"uar": 0.4}}))
    assert found.scores["test uar"] == (0.5, 0.4)
    assert found.scores["test accuracy"] == (0.5, None)
    assert math.isinf(found.difference)


def test_recalls_and_confusions_count():
    other = dict(zip(LABELS, (0.4, 1.0, None), strict=True))
    scores = {"test": {"uar": 0.5, "accuracy": 0.5, "recall": other}, "dev": record().scores["dev"]}
    assert compare_records(record(), record(scores=scores)).difference == pytest.approx(0.1)
    moved = {"test": [[1, 2, 0], [0, 3, 0], [0, 0, 0]]}
    found = compare_records(record(files=FILES, confusion=CONFUSION), record(files=FILES, confusion=moved))
    assert found.difference == pytest.approx(1 / 3)
    assert found.identical is False


def test_what_one_of_the_two_does_not_state_is_no_agreement():
    assert math.isinf(compare_records(record(confusion=CONFUSION), record()).difference)
    assert compare_records(record(), record(files=FILES)).identical is None
    assert compare_records(record(files={"model.safetensors": "b" * 64}), record(files=FILES)).identical is False


def test_what_surrounds_them_is_told():
    found = compare_records(record(files=FILES), record(files=FILES, plugins={"transfer": "2"}, protocol_id="cafe"))
    assert found.context == ("plugins transfer: 0.1.0, now 2", "protocol_id: beef, now cafe")
    assert found.identical is True
