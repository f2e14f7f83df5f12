"""Out of domain: sounds are what they are called, and a model's answers to them are counted."""

import numpy as np
import pytest
from scipy.stats import entropy

from emonet_bench.model_card.out_of_domain import out_of_domain, signals
from emonet_bench.model_card.scoring import Scored, probabilities
from tests.oracles import RATE, clips_of, predictor, tones, write_model


@pytest.fixture
def scored(tmp_path):
    model = predictor(write_model(tmp_path / "m.onnx", "sign", 0.1))
    return model, Scored.of(model, clips_of(tones(tmp_path, count=2), tmp_path / "cache"))


def test_what_has_no_sign_is_calm_and_other_corpora_are_scored_too(scored):
    model, own = scored
    found = {one.kind: one for one in out_of_domain(model, own, {"theirs": own.clips})}
    assert found["silence"].label == "calm"
    assert found["silence"].share == 1
    assert found["corpus theirs"].entropy == pytest.approx(found["the clips themselves"].entropy)


def test_entropy_is_that_of_scipy_over_its_largest(scored):
    model, own = scored
    found = {one.kind: one for one in out_of_domain(model, own, {})}
    table = probabilities(model, signals(RATE)["clicks"], RATE)
    assert found["clicks"].entropy == pytest.approx(np.mean(entropy(table, axis=1)) / np.log(2), abs=1e-6)
    assert found["clicks"].confidence == pytest.approx(table.max(axis=1).mean())


@pytest.mark.parametrize("rate", [1_000, 8_000, 44_100])
def test_signals_are_finite_and_within_the_scale(rate):
    for kind, clips in signals(rate).items():
        assert len(clips) == 12, kind
        assert all(np.isfinite(clip).all() and np.abs(clip).max() <= 2 for clip in clips), kind
    assert not any(clip.any() for clip in signals(rate)["silence"])
