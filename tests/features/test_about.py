"""The description of a feature store: who has asked, and text of strangers in its place."""

import json
import os

import pytest

from emonet_bench.features.about import ABOUT, USED, note_use, read_about
from emonet_bench.features.store import FeatureStore
from tests.features.test_store import KEY, clips


def test_the_store_says_what_it_is_of_and_who_has_asked(tmp_path):
    for user in ("b", "a", "b"):
        FeatureStore(tmp_path, KEY).features(clips([1]), user=user)
    directory = tmp_path / KEY.directory_name
    assert read_about(directory) == (("a", "b"), "float32")
    assert json.loads((directory / ABOUT).read_text())["frozen_id"] == "abc"
    assert (directory / USED).exists()


def test_a_damaged_description_costs_no_feature(tmp_path):
    FeatureStore(tmp_path, KEY).features(clips([1]))
    (tmp_path / KEY.directory_name / ABOUT).write_text("{half")
    computed = []
    FeatureStore(tmp_path, KEY).features(clips([1], computed), user="a")
    assert computed == []
    assert read_about(tmp_path / KEY.directory_name).users == ("a",)


@pytest.mark.parametrize("text", ["{half", "[]", "[" * 100_000, '{"users": 5}', '{"users": {"a": 1}}', "\udcff"])
def test_what_is_no_description_says_nothing_and_is_written_anew(tmp_path, text):
    (tmp_path / ABOUT).write_text(text, errors="surrogateescape")
    assert read_about(tmp_path) == ((), "")
    note_use(tmp_path, {"precision": "float16"}, "a")
    assert read_about(tmp_path) == (("a",), "float16")


def test_users_that_are_no_text_are_left_out(tmp_path):
    (tmp_path / ABOUT).write_text('{"users": ["b", 1, null, "a"], "precision": 2}')
    assert read_about(tmp_path) == (("a", "b"), "")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / ABOUT)
    assert read_about(tmp_path) == ((), "")
