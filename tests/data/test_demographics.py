"""Demographics: what the cards tell of speakers is what lists of the real corpora say."""

import csv
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from emonet_bench.data.demographics import demographics_of, known
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import Corpus, SplitRule, Utterance

CORPUS = Corpus(
    "c",
    ("a", "b"),
    list,
    {"p": SplitRule()},
    demographics={"gender": {"female": ("f?",), "male": ("m?",)}, "age": {"29": ("f1",), "older": ("f2",)}},
)


def clip(speaker, **said):
    return Utterance("c.wav", Path("c.wav"), "a", speaker, demographics=said)


def test_a_pattern_names_many_and_an_age_becomes_a_decade():
    assert demographics_of(CORPUS, clip("f1")) == {"gender": "female", "age": "20-29"}
    assert demographics_of(CORPUS, clip("f2")) == {"gender": "female", "age": "older"}
    assert demographics_of(CORPUS, clip("m7")) == {"gender": "male"}


def test_what_an_utterance_says_goes_before_what_the_corpus_tells_of_its_speaker():
    assert demographics_of(CORPUS, clip("f1", age="41.0", language="de")) == {
        "gender": "female",
        "age": "40-49",
        "language": "de",
    }
    assert demographics_of(CORPUS, clip(None, gender="other")) == {"gender": "other"}


@pytest.mark.parametrize("cell", [None, "", " ", "NaN", "unknown", "Unknown", "n/a", "-", "?"])
def test_a_cell_that_says_unknown_says_nothing(cell):
    assert known(cell) is None


@pytest.mark.parametrize("speaker", [None, "x", "F1", ""])
def test_whoever_is_not_named_is_unknown(speaker):
    assert demographics_of(CORPUS, clip(speaker)) == {}


@pytest.mark.parametrize("name", ["emodb", "ravdess", "emovo", "urdu", "emotiontts_ko"])
def test_cards_agree_with_the_lists_that_come_with_the_audio(name, corpora_dir):
    with (corpora_dir / name / "labels.csv").open(encoding="utf-8") as file:
        listed = {row["speaker"]: row["gender"] for row in csv.DictReader(file)}
    corpus = Plugins().corpora[name]
    assert {speaker: demographics_of(corpus, clip(speaker))["gender"] for speaker in listed} == listed


def test_no_card_gives_a_speaker_two_values():
    for name, corpus in Plugins().corpora.items():
        for attribute, values in corpus.demographics.items():
            patterns = [pattern for patterns in values.values() for pattern in patterns]
            assert len(patterns) == len(set(patterns)), (name, attribute)


def test_they_are_no_part_of_what_a_corpus_is_known_by():
    plain = replace(CORPUS, demographics={})
    assert (plain.labels, plain.protocols) == (CORPUS.labels, CORPUS.protocols)
    assert pickle.loads(pickle.dumps(CORPUS)).demographics == CORPUS.demographics
