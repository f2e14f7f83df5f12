"""What lies on disk of a search is counted, and what other searches have tuned is told."""

from emonet_bench.matrix.search.on_disk import cells_on_disk, other_search_notes
from tests.matrix.search.searched import Toy


def test_trials_on_disk_are_counted_generation_by_generation(tmp_path, monkeypatch):
    toy = Toy(tmp_path)
    (study,) = toy.studies({"trials": 12, "seconds": 100.0})
    assert cells_on_disk(study, toy.store) == 0
    toy.run(monkeypatch, {"trials": 6, "seconds": 100.0})
    assert cells_on_disk(study, toy.store) == 6


def test_what_another_search_has_tuned_is_told_and_its_own_is_not(tmp_path, monkeypatch):
    toy = Toy(tmp_path, folds=(0, 1))
    toy.run(monkeypatch, {"trials": 2}, seeds=[0, 10])
    assert other_search_notes(toy.studies({"trials": 2}), toy.options.results) == []
    (note,) = other_search_notes(toy.studies({"trials": 3}), toy.options.results)
    assert note == "4 runs of these rows were tuned by a search of another space, sampler or budget: kept apart"
    assert other_search_notes(toy.studies(corpora=["two"]), toy.options.results) == []


def test_without_results_or_a_search_there_is_nothing_to_tell(tmp_path):
    toy = Toy(tmp_path)
    assert other_search_notes(toy.studies(), tmp_path / "none") == []
    assert other_search_notes([], tmp_path) == []
