"""Choices: what a matrix's options combine to."""

from dataclasses import replace

import pytest

from emonet_bench.matrix.choices import Choices
from emonet_bench.matrix.file import Matrix
from emonet_bench.plugins.loading import Plugins


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
