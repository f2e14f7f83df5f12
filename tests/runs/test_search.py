"""A search as files say it: read back as written, identified by all of it, and bounded."""

import json

import pytest
from pydantic import ValidationError

from emonet_bench.errors import StoreError
from emonet_bench.runs.record import RunRecord, parse_record
from emonet_bench.runs.search import Range, Search, SearchFacts, TrialFacts
from emonet_bench.runs.spec import RunSpec, directory_name
from tests.matrix.test_scheduler import cell
from tests.written import finished

SEARCH = Search(space={"training.learning_rate": {"low": 1e-4, "high": 1, "log": True}, "training.epochs": [5, 10]})
TRIAL = TrialFacts(number=0, options={"training.epochs": 5}, epochs=5, dev=0.5, runs=["0" * 16])


def with_spec(**changes):
    made = cell("a")
    return finished(
        type(made)(made.spec.model_copy(update=changes), made.run_id),
        scores={"dev": {"uar": 0.25}, "test": {"uar": 0.5}},
    )


def test_a_range_and_a_list_are_read_back_as_they_were():
    again = Search.model_validate(json.loads(json.dumps(SEARCH.model_dump(mode="json"))))
    assert again == SEARCH
    assert isinstance(again.space["training.learning_rate"], Range)
    assert again.space["training.epochs"] == [5, 10]


@pytest.mark.parametrize("change", [{"trials": 5}, {"seed": 1}, {"per": "corpus"}, {"space": {"training.epochs": [5]}}])
def test_whatever_changes_a_search_makes_it_another(change):
    assert SEARCH.model_copy(update=change).study_id != SEARCH.study_id
    assert Search(**SEARCH.model_dump()).study_id == SEARCH.study_id


def test_a_record_of_a_tuned_run_is_read_back():
    record = with_spec(search=SEARCH).model_copy(update={"search": SearchFacts(chosen=0, trials=[TRIAL])})
    again = parse_record(record.text().encode(), "here")
    assert (again.spec.search, again.search) == (SEARCH, record.search)


def test_a_trial_with_scores_on_test_is_no_record():
    with pytest.raises(ValidationError, match="scores of a trial are those on dev alone"):
        with_spec(trial=True)


def test_a_trial_says_its_dev_score_and_has_none_on_test():
    made = cell("a")
    trial = type(made)(made.spec.model_copy(update={"trial": True}), made.run_id)
    record = finished(trial, scores={"dev": {"uar": 0.25}})
    assert (record.score[0], record.score[1].uar) == ("dev", 0.25)
    with pytest.raises(StoreError, match="a trial of a search, which never sees test; take the tuned run"):
        record.test  # noqa: B018


def test_directories_say_what_is_a_trial_and_what_is_tuned():
    names = {
        change: directory_name(cell("a").spec.model_copy(update=values), "0123456789abcdef")
        for change, values in {"": {}, "trial": {"trial": True}, "tuned": {"search": SEARCH}}.items()
    }
    assert names == {"": "a-a-s-s0-01234567", "trial": "a-a-s-s0-trial-01234567", "tuned": "a-a-s-s0-tuned-01234567"}


def test_an_ordinary_spec_does_not_mention_searches():
    assert {"trial", "search"} & cell("a").spec.model_dump(mode="json").keys() == set()
    assert RunRecord.model_fields["search"].default is None
    assert RunSpec.model_fields["trial"].default is False
