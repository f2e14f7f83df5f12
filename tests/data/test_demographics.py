"""Demographics: what the cards tell of speakers is what lists of the real corpora say."""

import csv
import pickle
from dataclasses import replace

import pytest

from emonet_bench.data.demographics import demographics_of
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import Corpus, SplitRule

CORPUS = Corpus(
    "c",
    ("a", "b"),
    list,
    {"p": SplitRule()},
    demographics={"gender": {"female": ("f?",), "male": ("m?",)}, "age": {"29": ("f1",), "older": ("f2",)}},
)


def test_a_pattern_names_many_and_an_age_becomes_a_decade():
    assert demographics_of(CORPUS, "f1") == {"gender": "female", "age": "20-29"}
    assert demographics_of(CORPUS, "f2") == {"gender": "female", "age": "older"}
    assert demographics_of(CORPUS, "m7") == {"gender": "male"}


@pytest.mark.parametrize("speaker", [None, "x", "F1", ""])
def test_whoever_is_not_named_is_unknown(speaker):
    assert demographics_of(CORPUS, speaker) == {}


@pytest.mark.parametrize("name", ["emodb", "ravdess", "emovo", "urdu", "emotiontts_ko"])
def test_cards_agree_with_the_lists_that_come_with_the_audio(name, corpora_dir):
    with (corpora_dir / name / "labels.csv").open(encoding="utf-8") as file:
        listed = {row["speaker"]: row["gender"] for row in csv.DictReader(file)}
    corpus = Plugins().corpora[name]
    assert {speaker: demographics_of(corpus, speaker)["gender"] for speaker in listed} == listed


def test_no_card_gives_a_speaker_two_values():
    for name, corpus in Plugins().corpora.items():
        for attribute, values in corpus.demographics.items():
            patterns = [pattern for patterns in values.values() for pattern in patterns]
            assert len(patterns) == len(set(patterns)), (name, attribute)


def test_they_are_no_part_of_what_a_corpus_is_known_by():
    plain = replace(CORPUS, demographics={})
    assert (plain.labels, plain.protocols) == (CORPUS.labels, CORPUS.protocols)
    assert pickle.loads(pickle.dumps(CORPUS)).demographics == CORPUS.demographics
