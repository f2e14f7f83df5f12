"""The study: what it wants run next follows from what has ended, and from nothing else."""

from dataclasses import replace

import pytest

from emonet_bench.config import Training
from emonet_bench.matrix.search.study import Ended
from tests.matrix.search.searched import Toy, response
from tests.matrix.test_scheduler import cell
from tests.written import finished


@pytest.fixture
def study(tmp_path):
    (found,) = Toy(tmp_path).studies({"trials": 10, "seconds": 100.0})
    return found


SCORES = {"dev": {"uar": 0.25, "accuracy": 0.6}, "test": {"uar": 0.5}}


def selecting(name):
    one = cell("a")
    return replace(one, spec=one.spec.model_copy(update={"training": Training(selection=name)}))


def ended(cells):
    return {cell.run_id: Ended(response(cell.spec), 1.0) for cell in cells}


def test_the_next_generation_waits_for_every_trial_of_the_one_before(study):
    first = study.proceed({})
    assert len(first) == 4
    some = ended(first[:3])
    assert [cell.run_id for cell in study.proceed(some)] == [first[3].run_id]
    second = study.proceed(ended(first))
    assert len(second) == 4
    assert not {cell.run_id for cell in first} & {cell.run_id for cell in second}


def test_a_study_that_begins_with_results_on_disk_ends_where_the_others_did(tmp_path):
    one, other = (Toy(tmp_path).studies({"trials": 10, "seconds": 100.0})[0] for _ in range(2))
    outcomes, cells = {}, one.proceed({})
    while cells[0].spec.trial:
        outcomes |= ended(cells)
        cells = one.proceed(outcomes)
    assert [cell.run_id for cell in other.proceed(outcomes)] == [cell.run_id for cell in cells]
    assert one.proceed(outcomes) == []


def test_what_selects_on_dev_is_read_from_a_record(tmp_path):
    record = finished(
        cell("a"), scores={"dev": {"uar": 0.25}, "test": {"uar": 0.5}}, seconds={"load": 1.0, "train": 2.0}
    )
    assert Ended.of(record) == Ended(0.25, 3.0)
    assert Ended.of(finished(cell("a"), error={"type": "Oops", "message": "on fire"})) == Ended.of(None) == Ended()


@pytest.mark.parametrize(("higher", "value"), [(True, 0.75), (False, -0.75)])
def test_a_metric_that_a_recipe_names_ranks_trials_the_larger_the_better(higher, value):
    named = {"metric": "cross_entropy", "dev": 0.75, "higher_is_better": higher}
    record = finished(selecting("a"), selection=named, scores=SCORES, seconds={"train": 2.0})
    assert Ended.of(record) == Ended(value, 2.0, higher)


def test_a_trial_of_which_the_named_metric_says_nothing_is_never_chosen():
    assert Ended.of(finished(selecting("kappa"), scores=SCORES)).value is None
    assert Ended.of(finished(selecting("accuracy"), scores=SCORES)).value == 0.6  # records of before state these


def test_where_less_is_better_the_facts_state_the_scores_themselves_and_the_least_is_chosen(study):
    outcomes, cells = {}, study.proceed({})
    while cells[0].spec.trial:
        outcomes |= {cell.run_id: Ended(-response(cell.spec), 1.0, higher_is_better=False) for cell in cells}
        cells = study.proceed(outcomes)
    facts = cells[0].search
    assert not facts.higher_is_better
    assert facts.trials[facts.chosen].dev == min(trial.dev for trial in facts.trials)


def test_the_facts_say_what_each_trial_came_to(study):
    outcomes, cells = {}, study.proceed({})
    while cells[0].spec.trial:
        outcomes |= ended(cells)
        outcomes[cells[-1].run_id] = Ended()
        cells = study.proceed(outcomes)
    facts = cells[0].search
    assert [trial.number for trial in facts.trials] == list(range(10))
    assert [trial.dev is None for trial in facts.trials] == [number in (3, 7, 9) for number in range(10)]
    assert facts.trials[0].seconds == 1.0
    assert all(trial.epochs == 40 for trial in facts.trials)
