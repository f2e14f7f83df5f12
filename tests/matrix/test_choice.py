"""Choices: which options one hears, and what it is with other values for them."""

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.choice import choices, is_excluded
from emonet_bench.matrix.file import Matrix
from tests.matrix.search.searched import Toy


@pytest.fixture
def toy(tmp_path):
    return Toy(tmp_path)


def first(toy, **values):
    matrix = Matrix(**{"corpora": ["one"], "architectures": ["net"]} | values)
    return next(choices(matrix, toy.plugins, lambda training: training))


def test_options_of_others_say_nothing_and_its_own_are_changed(toy):
    point = {"training.epochs": 7, "options.net.width": 16, "options.svm.width": 1, "architecture": "net"}
    changed = first(toy).with_options(point, toy.plugins, "here")
    assert (changed.training.epochs, changed.architecture_options["width"]) == (7, 16)
    assert changed.architecture_options["pair"] == [0.0, 0.5]


def test_a_wrong_value_names_the_option_and_the_place(toy):
    with pytest.raises(ConfigError, match=r"here: options.net.width: input should be greater"):
        first(toy).with_options({"options.net.width": 0}, toy.plugins, "here")


def test_what_is_fitted_hears_few_options_of_a_training(toy):
    keys = ["training.epochs", "training.window", "options.svm.width", "options.net.width"]
    assert first(toy, architectures=["svm"]).heard(keys, toy.plugins) == ["training.window", "options.svm.width"]
    assert first(toy).heard(keys, toy.plugins) == ["training.epochs", "training.window", "options.net.width"]


def test_what_cannot_be_trained_hears_nothing(toy):
    choice = first(toy, architectures=["svm"], strategies=["finetune"])
    assert choice.heard(["options.svm.width", "architecture"], toy.plugins) == []


def test_a_choice_is_left_out_where_all_that_an_entry_says_is_so(toy):
    matrix = Matrix(corpora=["one"], architectures=["net"], exclude=[{"corpus": "two", "seed": [0, 1]}])
    assert [is_excluded(matrix, name, first(toy)) for name in ("one", "two")] == [False, True]
