"""Kinds of targets in a matrix."""

from types import SimpleNamespace

import pytest

from emonet_bench.config import Options
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.kinds import unfit
from emonet_bench.types import Architecture, Strategy, Target

VALUES = Target("values", "values", ("arousal",), ((1.0, 7.0),))
LABEL = Target("label", "label", ("a", "b"))
PLAIN = Strategy("scratch", Options, print)
TRAINED = Architecture("net", "cnn", Options, print)
FITTED = Architecture("svm", "baseline", Options, print, print)
RIDGE = Architecture("ridge", "baseline", Options, print, print, kinds=("values",))


def corpus(target, name="mine"):
    return SimpleNamespace(target=target, protocol="own", corpus=SimpleNamespace(name=name))


@pytest.mark.parametrize(
    ("architecture", "target", "fits"),
    [
        (TRAINED, LABEL, True),
        (TRAINED, VALUES, True),
        (FITTED, LABEL, True),
        (FITTED, VALUES, False),
        (RIDGE, VALUES, True),
        (RIDGE, LABEL, False),
    ],
)
def test_an_architecture_predicts_the_kinds_it_says_or_all_where_it_is_trained_by_gradients(architecture, target, fits):
    reason = unfit(architecture, PLAIN, [corpus(target)])
    assert (reason is None) == fits
    if not fits:
        assert reason == f"{architecture.name} predicts no {target.kind}, which protocol 'own' is about"


def test_corpora_of_several_kinds_are_not_trained_on_together():
    with pytest.raises(ConfigError, match=r"one \(label\), two \(values\) have targets of several kinds"):
        unfit(TRAINED, PLAIN, [corpus(LABEL, "one"), corpus(VALUES, "two")])


def test_a_teacher_is_of_labels():
    taught = Strategy("distill", Options, print, teacher=True)
    assert unfit(TRAINED, taught, [corpus(LABEL)]) is None
    assert (
        unfit(TRAINED, taught, [corpus(VALUES)])
        == "distill has a teacher of labels, and protocol 'own' is about values"
    )
