"""The time limit of a card's regular expressions."""

import pytest

from emonet_bench.data.cards import bounded, corpus_at, matching
from emonet_bench.errors import CorpusError
from tests.data.cards.mine import CARD


@pytest.mark.parametrize("pattern", ["(?P<label>(a+)+)x", "(?P<label>(a|a)*)x", "(?P<label>.*.*.*.*.*.*.*.*)x"])
def test_patterns_that_explode_are_stopped_and_named(tmp_path, monkeypatch, pattern):
    monkeypatch.setattr(bounded, "PATIENCE", 0.3)
    (tmp_path / "card.toml").write_text(CARD.replace("clip\\d+", pattern), encoding="utf-8")
    (tmp_path / ("a" * 200 + ".wav")).touch()
    with pytest.raises(CorpusError, match=r"corpus mine: its patterns take more than 0\.3 s; avoid repetitions"):
        corpus_at("mine", tmp_path).load()


def test_matches_are_those_of_the_same_patterns_without_a_limit():
    patterns, texts = [r"(?P<label>\w)_(?P<speaker>\d+)", r"(?P<label>é+)"], ["a_1", "éé", "\n", "a_"]
    assert bounded.bounded_matches(patterns, texts, "here") == matching.first_matches(patterns, texts)


def test_nothing_to_match_starts_no_process(monkeypatch):
    monkeypatch.setattr(bounded.subprocess, "run", pytest.fail)
    assert bounded.bounded_matches(["a"], [], "here") == []


def test_patterns_that_cannot_be_carried_out_are_one_line_that_says_whose_they_are():
    with pytest.raises(CorpusError, match=r"^corpus mine: its patterns cannot be carried out") as caught:
        bounded.bounded_matches(["("], ["a"], "corpus mine")
    assert "\n" not in str(caught.value)
