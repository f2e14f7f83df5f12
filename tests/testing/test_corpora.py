"""The kit for corpora: every one at hand keeps its contracts, and planted faults are found."""

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from emonet_bench.errors import CorpusError
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.contracts import PAGE
from emonet_bench.testing.corpora import check_corpus
from emonet_bench.types import Corpus, SplitRule, Target, Utterance
from tests.testing.faults import broken

# Audio that takes seconds to decode; what the names and tables of these tell is held in tests/shipped/test_corpora.py.
LONG = {"emotiontts_ko", "emovo", "fsdd", "ravdess", "turevdb", "urdu"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in Plugins().corpora]
)
def test_every_corpus_at_hand_keeps_its_contracts(name):
    try:
        Plugins().corpora[name].load()
    except CorpusError as error:
        pytest.skip(str(error))
    check_corpus(name)


@pytest.fixture
def corpus(tmp_path):
    """Two labels, four speakers, two protocols."""
    utterances = []
    for place, (speaker, label) in enumerate(itertools.product("abcd", ("high", "low"))):
        file = tmp_path / f"{speaker}_{label}.wav"
        soundfile.write(file, np.random.default_rng(place).normal(0, 0.1, 1600), 16_000)
        utterances.append(Utterance(file.name, file, label, speaker, partition=("train", "dev", "test")[place % 3]))
    rules = {
        "folds": SplitRule(folds=4),
        "fixed": SplitRule(fixed={"train": ("a", "b"), "dev": ("c",), "test": ("d",)}),
    }
    return Corpus("toy", ("high", "low"), lambda: list(utterances), rules, clips=8)


def changed(corpus, place=0, **values):
    """Return a corpus with one utterance that is different."""
    utterances = corpus.load()
    utterances[place] = replace(utterances[place], **values)
    return replace(corpus, load=lambda: list(utterances))


def shuffling(corpus):
    generator = random.Random(0)
    return replace(corpus, load=lambda: generator.sample(corpus.load(), 8))


def rewriting(corpus):
    numbers = itertools.count()

    def load():
        utterances = corpus.load()
        soundfile.write(utterances[0].file, np.random.default_rng(next(numbers)).normal(0, 0.1, 1600), 16_000)
        return utterances

    return replace(corpus, load=load)


def undecodable(corpus):
    corpus.load()[3].file.write_bytes(b"no audio at all")
    return corpus


def rated(corpus, *numbers):
    """Return the corpus with a target on a scale from 1 to 7, of which the first utterances say these numbers."""
    utterances = corpus.load()
    for place, number in enumerate(numbers):
        utterances[place] = replace(utterances[place], values={"arousal": number})
    target = Target("arousal", "values", ("arousal",), ((1.0, 7.0),))
    return replace(corpus, load=lambda: list(utterances), targets=(target,))


def test_a_corpus_with_a_target_keeps_its_contracts(corpus):
    check_corpus(rated(corpus, 1.0, 7.0))


CORPUS_FAULTS = {
    "off the scale": (lambda corpus: rated(corpus, 4.0, 8.0), "targets-sound", "arousal is 8, outside of its scale"),
    "no number": (lambda corpus: rated(corpus, float("nan")), "targets-sound", "arousal is nan"),
    "order": (shuffling, "load-repeats", "sort what a directory lists"),
    "number": (lambda corpus: replace(corpus, clips=9), "load-repeats", "8 utterances were found; the corpus says 9"),
    "empty folder": (lambda corpus: replace(corpus, load=list), "load-repeats", "load() found no utterance"),
    "absent": (lambda corpus: replace(corpus, load=lambda: 1 / 0), "load-repeats", "ZeroDivisionError"),
    "twice": (
        lambda corpus: changed(corpus, name="a_low.wav"),
        "names-unique",
        "2 utterances have the name 'a_low.wav'",
    ),
    "absolute": (lambda corpus: changed(corpus, name="/a.wav"), "names-unique", "not a relative path"),
    "undeclared": (lambda corpus: changed(corpus, label="mid"), "labels-found", "'mid', which is not declared"),
    "unfound": (lambda corpus: replace(corpus, labels=("high", "low", "mid")), "labels-found", "declared label 'mid'"),
    "mixed": (
        lambda corpus: replace(corpus, protocols={"own": SplitRule()}),
        "partitions-apart",
        "protocol 'own': speaker 'a' is in train and in dev",
    ),
    "empty": (
        lambda corpus: replace(corpus, protocols={"two": SplitRule(fixed={"train": tuple("abc"), "dev": ("d",)})}),
        "partitions-apart",
        "partition test has no utterance",
    ),
    "gone": (lambda corpus: changed(corpus, file=corpus.load()[0].file / "gone"), "audio-decodes", "bad audio file"),
    "damaged": (undecodable, "audio-decodes", "not audio that libsndfile can read"),
    "rewritten": (rewriting, "fingerprint-stable", "must not write audio anew"),
    "another": (lambda corpus: replace(corpus, fingerprint="0" * 16), "fingerprint-stable", "the corpus says 00000000"),
}


def test_a_corpus_that_keeps_all_contracts_passes(corpus):
    check_corpus(corpus)


@pytest.mark.parametrize("fault", CORPUS_FAULTS)
def test_a_fault_in_a_corpus_is_found_and_explained(corpus, fault):
    plant, section, seen = CORPUS_FAULTS[fault]
    message = broken(check_corpus, plant(corpus))
    assert f"written:  {PAGE}#corpus-{section}" in message
    assert seen in message
