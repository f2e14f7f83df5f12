"""Corpus: its targets and the protocols that name them."""

import dataclasses

import pytest

from emonet_bench import types
from emonet_bench.errors import ConfigError
from emonet_bench.types import corpus as module
from emonet_bench.types.corpus import Corpus, SplitRule, Utterance
from emonet_bench.types.targets import Target

AROUSAL = Target("arousal", "values", ("arousal",), ((1.0, 7.0),))


def corpus(labels=("a", "b"), protocols=None, targets=()):
    return Corpus("mine", labels, list, protocols or {"own": SplitRule()}, targets=targets)


@pytest.mark.parametrize("name", ["Corpus", "Partition", "PARTITIONS", "SplitRule", "Utterance"])
def test_the_package_has_the_names_too(name):
    assert getattr(types, name) is getattr(module, name)


def test_a_corpus_has_the_target_of_its_labels_without_saying_so():
    assert corpus().target(SplitRule()) == Target("label", "label", ("a", "b"))


def test_the_labels_target_follows_the_labels():
    changed = dataclasses.replace(corpus(), labels=("x", "y"))
    assert changed.target(SplitRule()).names == ("x", "y")


def test_a_protocol_finds_the_target_that_it_names():
    assert corpus(targets=(AROUSAL,)).target(SplitRule(target="arousal")) is AROUSAL


def test_a_corpus_may_have_values_and_no_labels():
    rule = SplitRule(target="arousal")
    assert corpus((), {"own": rule}, (AROUSAL,)).target(rule) is AROUSAL


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"labels": ()}, "at least two labels"),
        ({"labels": ("a",), "targets": (AROUSAL,)}, "at least two labels"),
        ({"protocols": {"own": SplitRule(target="arousal")}}, "names the target 'arousal'; there is 'label'"),
        ({"labels": (), "targets": (AROUSAL,)}, "names the target 'label'; there is 'arousal'"),
        ({"targets": (AROUSAL, AROUSAL)}, "two targets have one name"),
        ({"targets": (Target("label", "votes", ("a", "b")),)}, "two targets have one name"),
    ],
)
def test_a_corpus_without_what_its_protocols_are_about_is_refused(described, message):
    with pytest.raises(ConfigError, match=message):
        corpus(**described)


def test_an_utterance_is_made_as_before_there_were_targets():
    clip = Utterance("a.wav", "a.wav", "joy", "s1")
    assert (clip.label, clip.speaker, clip.votes, clip.labels, clip.values) == ("joy", "s1", None, None, None)
