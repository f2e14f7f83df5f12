"""Studies of a matrix: what is tuned, for what, within which budget, and what is kept apart."""

from dataclasses import replace

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.search.study import Ended
from emonet_bench.runs.files import RunFiles
from tests.matrix.search.searched import BEST_RATE, BEST_WIDTH, RATE, Toy, response

WIDTH = {"options.net.width": [2, 4, BEST_WIDTH, 16]}
BOTH = {"training.learning_rate": RATE, **WIDTH}


@pytest.fixture
def toy(tmp_path):
    return Toy(tmp_path)


def test_the_best_trial_on_dev_is_chosen_and_tested_once(toy, monkeypatch):
    toy.run(monkeypatch, {"space": BOTH, "trials": 25})
    (record,) = toy.records().values()
    devs = [trial.dev for trial in record.search.trials]
    assert len(devs) == 25
    assert record.search.trials[record.search.chosen].dev == max(devs) > 0.85
    chosen = record.search.trials[record.search.chosen].options
    assert record.spec.training.learning_rate == chosen["training.learning_rate"]
    assert record.spec.architecture_options["width"] == chosen["options.net.width"]
    tested = [job.cell for job in toy.jobs if not job.cell.spec.trial]
    assert [cell.spec for cell in tested] == [record.spec]


def test_the_tuned_run_takes_over_the_weights_of_the_chosen_trial(toy, monkeypatch):
    toy.run(monkeypatch, {"trials": 5})
    (record,) = toy.records().values()
    (job,) = [job for job in toy.jobs if job.cell.spec.search]
    chosen = RunFiles(job.trained).read_record()
    assert chosen.run_id == record.search.trials[record.search.chosen].runs[0]
    assert chosen.spec.training == record.spec.training


def test_a_grid_tries_every_point_and_finds_the_best(toy, monkeypatch):
    rates = [1e-3, BEST_RATE, 1e-1]
    toy.run(monkeypatch, {"space": {"training.learning_rate": rates, **WIDTH}, "sampler": "grid"})
    (record,) = toy.records().values()
    assert len(record.search.trials) == 12
    best = {"training.learning_rate": BEST_RATE, "options.net.width": BEST_WIDTH}
    assert record.search.trials[record.search.chosen].options == best


def test_each_fold_is_tuned_by_itself_or_all_by_their_mean(tmp_path, monkeypatch):
    toy = Toy(tmp_path, folds=(0, 1, 2, 3))
    rates = [BEST_RATE, BEST_RATE * 10**0.5, BEST_RATE * 10, BEST_RATE * 10**1.5]  # each the best of one fold
    space = {"training.learning_rate": rates}
    toy.run(monkeypatch, {"space": space, "sampler": "grid", "per": "fold"})
    found = {record.spec.fold: record.spec.training.learning_rate for record in toy.records().values()}
    assert found == dict(enumerate(rates))
    trained = len(toy.jobs)
    toy.run(monkeypatch, {"space": space, "sampler": "grid", "per": "corpus"})
    assert len(toy.jobs) == trained + 4  # the trials are those of before; the four tuned runs are not
    assert all(not job.cell.spec.trial for job in toy.jobs[trained:])
    means = [sum(response(job.cell.spec) for job in toy.jobs[:trained] if trains(job, rate)) for rate in rates]
    by_mean = [job.cell.spec.training.learning_rate for job in toy.jobs[trained:]]
    assert by_mean == [rates[means.index(max(means))]] * 4


def trains(job, rate):
    return job.cell.spec.trial and job.cell.spec.training.learning_rate == rate


def test_trials_have_the_first_seed_and_the_tuned_runs_have_all(toy, monkeypatch):
    toy.run(monkeypatch, {"trials": 4}, seeds=[7, 1, 2])
    assert {job.cell.spec.seed for job in toy.jobs if job.cell.spec.trial} == {7}
    tuned = {job.cell.spec.seed: job for job in toy.jobs if job.cell.spec.search}
    assert {seed: job.trained is None for seed, job in tuned.items()} == {7: False, 1: True, 2: True}
    assert all(job.cell.spec.training == tuned[7].cell.spec.training for job in tuned.values())


def test_the_architecture_itself_can_be_chosen_and_brings_its_own_options(toy, monkeypatch):
    space = {"architecture": ["net", "plain"], **WIDTH}
    toy.run(monkeypatch, {"space": space, "sampler": "grid"}, architectures=["net", "plain"])
    (record,) = toy.records().values()
    points = [trial.options for trial in record.search.trials]
    assert points.count({"architecture": "plain"}) == 1
    assert len(points) == 5
    assert len(toy.records()) == 1


def test_a_row_without_a_searched_option_stays_an_ordinary_cell(toy):
    planned = toy.planned({"space": WIDTH}, architectures=["net", "plain"])
    assert [cell.spec.architecture for cell in planned.cells] == ["plain"]
    assert [study.title for study in planned.studies] == ["one net scratch s0"]


def test_an_architecture_that_is_fitted_is_tuned_by_what_it_hears(toy):
    space = {"training.learning_rate": RATE, "options.svm.width": [1, 2]}
    _, study = toy.studies({"space": space}, architectures=["net", "svm"])
    assert set(study.search.space) == {"options.svm.width"}


def test_a_joint_strategy_is_one_row_of_all_corpora(toy):
    (study,) = toy.studies(corpora=["one", "two"], strategies=["multi-task"])
    assert study.title == "one+two net multi-task s0"


def test_sources_of_trials_are_trials_too(toy, monkeypatch):
    toy.run(monkeypatch, {"trials": 2}, corpora=["one", "two"], strategies=["finetune"])
    sources = [job.cell.spec for job in toy.jobs if job.cell.spec.strategy == "scratch"]
    assert sources
    assert all(spec.trial for spec in sources)
    assert sum(1 for job in toy.jobs if job.cell.spec.search) == 2


def test_ordinary_runs_keep_their_identity_and_trials_have_one_of_their_own(toy):
    (plain,) = toy.planned(search=False).cells
    (study,) = toy.studies()
    (sample,) = study.sample.cells
    assert plain.spec == sample.spec.model_copy(update={"trial": False})
    assert plain.run_id != sample.run_id
    assert "trial" not in plain.spec.model_dump(mode="json")
    assert "search" not in plain.spec.model_dump(mode="json")


def test_a_changed_space_is_kept_apart(toy, monkeypatch):
    toy.run(monkeypatch, {"trials": 3})
    toy.run(monkeypatch, {"trials": 3, "space": {"training.learning_rate": [1e-3, 1e-2]}})
    paths = [path.name for path in toy.store.finished() if "-tuned-" in path.name]
    assert len(paths) == 2


def test_more_trials_train_only_what_is_new(toy, monkeypatch):
    toy.run(monkeypatch, {"trials": 5})
    toy.run(monkeypatch, {"trials": 8})
    trials = [job.cell.run_id for job in toy.jobs if job.cell.spec.trial]
    assert len(trials) == len(set(trials)) == 8


def test_a_trial_that_fails_is_never_chosen(toy, monkeypatch):
    toy.broken = lambda spec: spec.trial and response(spec) > 0.7
    outcome = toy.run(monkeypatch, {"trials": 12})
    (record,) = toy.records().values()
    devs = [trial.dev for trial in record.search.trials]
    assert None in devs
    assert record.search.trials[record.search.chosen].dev == max(dev for dev in devs if dev is not None)
    assert len(outcome.failures) == devs.count(None)


def test_where_all_trials_fail_the_tuned_cell_says_so(toy, monkeypatch):
    toy.broken = lambda spec: True
    outcome = toy.run(monkeypatch, {"trials": 3})
    ((cell, reason),) = outcome.skips
    assert (cell.spec.title, reason) == ("one net scratch s0 tuned", "no trial of its search has finished")


@pytest.mark.parametrize(
    ("search", "cells"),
    [({"trials": 7}, 7), ({"trials": 7, "cells": 5}, 5), ({"cells": 12}, 12), ({"space": WIDTH}, 4), ({}, 20)],
)
def test_a_budget_bounds_the_cells_of_a_study(toy, search, cells):
    (study,) = toy.studies(search)
    assert study.trained_cells == cells


def test_a_budget_in_cells_counts_those_of_all_folds(tmp_path):
    (study,) = Toy(tmp_path, folds=(0, 1, 2)).studies({"per": "corpus", "cells": 8})
    assert study.trained_cells == 6


def test_a_budget_in_seconds_ends_with_the_generation_that_spends_it(toy, monkeypatch):
    toy.run(monkeypatch, {"seconds": 6.0})  # each trial takes one second
    (record,) = toy.records().values()
    assert len(record.search.trials) == 8


def test_a_share_of_the_matrix_has_whole_studies(tmp_path):
    planned = Toy(tmp_path, folds=(0, 1, 2)).planned()
    shares = [planned.share(f"{number}/2").studies for number in (1, 2)]
    assert sorted(study.title for share in shares for study in share) == [study.title for study in planned.studies]


def test_a_study_begins_anew_with_every_run(toy):
    (study,) = toy.studies({"trials": 3})
    cells = study.proceed({})
    study.proceed({cell.run_id: Ended(0.5, 1.0) for cell in cells})
    assert [cell.run_id for cell in replace(study).proceed({})] == [cell.run_id for cell in cells]


@pytest.mark.parametrize(
    ("search", "values", "words"),
    [
        ({"sampler": "grid"}, {}, "search.space.training.learning_rate: a grid has no continuous range"),
        ({"sampler": "grid", "space": WIDTH, "trials": 3}, {}, "search.trials: the grid has 4 points, more than 3"),
        ({"cells": 2, "per": "corpus"}, {}, "search.cells: 2 allows no trial of one net scratch s0, which trains 3"),
        ({"pruner": "halving", "trials": 2}, {}, "halving needs at least 3 trials and 3 epochs, and there are 2"),
        (
            {"space": {"architecture": ["net", "plain"]}},
            {"architectures": ["net", "plain"], "options": {"net": {"width": [1, 2]}}},
            "searched beside an axis",
        ),
        ({"space": {"training.epochs": [5]}}, {"options": {"net": {"width": []}}}, "options.net.width: an empty list"),
    ],
)
def test_a_search_that_cannot_be_is_one_line(tmp_path, search, values, words):
    with pytest.raises(ConfigError, match=words) as raised:
        Toy(tmp_path, folds=(0, 1, 2)).studies(search, **values)
    assert "\n" not in str(raised.value)
