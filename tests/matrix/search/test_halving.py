"""Successive halving: a third goes on, trained three times as long, up to all epochs."""

import itertools

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.search.halving import promoted, rungs
from tests.matrix.search.searched import RATE, Toy


@pytest.mark.parametrize(("trials", "epochs"), [(3, 3), (9, 40), (27, 40), (30, 9), (100, 8), (5, 1000)])
def test_rungs_shrink_by_three_and_the_last_has_all_epochs(trials, epochs):
    found = rungs(trials, epochs)
    assert found[0].trials == trials
    assert found[-1].epochs(epochs) == epochs
    for lower, higher in itertools.pairwise(found):
        assert higher.trials == lower.trials // 3 >= 1
        assert lower.divisor == 3 * higher.divisor
        assert lower.epochs(epochs) <= higher.epochs(epochs)


def test_the_best_are_promoted_and_never_one_that_failed():
    assert promoted([0.1, None, 0.9, 0.5], 2) == [2, 3]
    assert promoted([None, None, 0.1], 2) == [2]
    assert promoted([0.5, 0.5, 0.5], 1) == [0]


def test_too_few_trials_are_refused():
    with pytest.raises(ConfigError, match="halving needs at least 3 trials"):
        rungs(2, 40)


def test_halving_finds_the_best_for_a_part_of_the_epochs(tmp_path, monkeypatch):
    toy = Toy(tmp_path)
    toy.run(monkeypatch, {"pruner": "halving", "trials": 27}, training={"epochs": 36})
    (record,) = toy.records().values()
    trials = record.search.trials
    assert [sum(trial.epochs == epochs for trial in trials) for epochs in (1, 4, 12, 36)] == [27, 9, 3, 1]
    chosen = trials[record.search.chosen]
    assert chosen.epochs == record.spec.training.epochs == 36
    first = [trial for trial in trials if trial.epochs == 1]
    assert chosen.options == max(first, key=lambda trial: trial.dev).options
    assert sum(trial.epochs for trial in trials) < 27 * 36 / 5


def test_a_budget_in_cells_counts_all_rungs(tmp_path):
    (study,) = Toy(tmp_path).studies(
        {"pruner": "halving", "trials": 27, "cells": 20, "space": {"training.learning_rate": RATE}}
    )
    assert 15 < study.trained_cells <= 20
