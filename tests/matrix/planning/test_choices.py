"""Choices: what a matrix's options combine to, which options one hears, and one with other values."""

from dataclasses import replace

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.choices import Choices, is_excluded
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.plugins.loading import Plugins
from tests.matrix.search.searched import Toy


@pytest.fixture(scope="module")
def plugins():
    return Plugins()


def choices(plugins, resolve=lambda training: training, **values):
    return Choices(Matrix(**{"corpora": ["synthetic-calls"], "architectures": ["cnn"], **values}), plugins, resolve)


def test_every_combination_of_options_training_and_seeds_is_one(plugins):
    given = {"training": {"epochs": [1, 2]}, "options": {"cnn": {"number_of_filters": [4, 8, 16]}}, "seeds": [0, 1]}
    found = [
        (c.seed, c.training.epochs, c.architecture_options["number_of_filters"]) for c in choices(plugins, **given)
    ]
    assert sorted(found) == [(s, e, f) for s in (0, 1) for e in (1, 2) for f in (4, 8, 16)]


def test_a_fit_cannot_tell_trainings_apart_that_differ_in_epochs(plugins):
    given = {"architectures": ["svm", "cnn"], "training": {"epochs": [1, 2]}}
    assert [c.architecture for c in choices(plugins, **given)] == ["svm", "cnn", "cnn"]


def test_a_row_that_the_matrix_has_not_takes_its_options_but_those_that_differ(plugins):
    made = choices(plugins, options={"svm": {"c_grid": [0.5], "num_mels": [20, 30]}})
    (found,) = made.of("svm", "scratch", [3], {"num_mels": 40})
    assert (found.seed, found.strategy) == (3, "scratch")
    assert (found.architecture_options["c_grid"], found.architecture_options["num_mels"]) == ([0.5], 40)
    assert len(list(made.of("svm", "scratch", [3]))) == 2


def test_trainings_are_resolved(plugins):
    (found,) = choices(plugins, lambda training: training.model_copy(update={"threads": 7}))
    assert found.training.threads == 7
    assert replace(found, seed=1) != found


@pytest.fixture
def toy(tmp_path):
    return Toy(tmp_path)


def first(toy, **values):
    matrix = Matrix(**{"corpora": ["one"], "architectures": ["net"]} | values)
    return next(iter(Choices(matrix, toy.plugins, lambda training: training)))


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
