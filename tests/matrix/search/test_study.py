"""The study: what it wants run next follows from what has ended, and from nothing else."""

import pytest

from emonet_bench.matrix.search.study import Ended
from tests.matrix.search.searched import Toy, response
from tests.matrix.test_scheduler import cell
from tests.written import finished


@pytest.fixture
def study(tmp_path):
    (found,) = Toy(tmp_path).studies({"trials": 10, "seconds": 100.0})
    return found


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
