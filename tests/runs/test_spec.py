"""What a run is called, and what it is about."""

import pytest

from emonet_bench.data.corpus_ref import CorpusRef
from emonet_bench.runs.spec import RunSpec, ZeroShotTarget
from tests.runs.test_store import SPEC

JOINT = SPEC.model_copy(update={"corpus": "emodb+ravdess", "protocol": "speakers+loso"})


def test_a_joint_run_is_about_each_of_its_corpora():
    assert JOINT.trained_corpora() == (CorpusRef("emodb", "speakers"), CorpusRef("ravdess", "loso"))
    assert JOINT.scored_corpora() == JOINT.trained_corpora()
    with pytest.raises(ValueError, match="zip"):
        SPEC.model_copy(update={"corpus": "a+b"}).trained_corpora()


def test_a_zero_shot_run_is_scored_elsewhere():
    target = ZeroShotTarget(corpus="ravdess", protocol="speakers:4-class", labels={"anger": "anger"})
    spec = SPEC.model_copy(update={"evaluate": target})
    assert spec.scored_corpora() == (CorpusRef("ravdess", "speakers", "4-class"),)
    assert spec.trained_corpora() == (CorpusRef("c", "p"),)
    assert spec.title == "c a s s0 on ravdess 4-class"


def test_what_says_nothing_is_no_part_of_what_identifies_a_run():
    assert "evaluate" not in SPEC.model_dump()
    assert RunSpec(**SPEC.model_dump()) == SPEC
