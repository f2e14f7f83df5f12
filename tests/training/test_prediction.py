"""Scoring clips where memory is short."""

import pytest
import torch

from emonet_bench.config import Training
from emonet_bench.errors import TrainingError
from emonet_bench.networks import build_classifier
from emonet_bench.training.prediction import embed, predict
from tests.toys import Toy, toy_clips, toy_set

RECIPE = Training(batch_size=8, window=0.3, sampling_rate=1_000, device="cpu", precision="float32")
BFLOAT16 = {"precision": "bfloat16"}
CLIPS = toy_clips(21)
EMBED = Toy.embed


def toy():
    torch.manual_seed(0)
    return build_classifier(Toy(), [toy_set(CLIPS)])


@pytest.fixture
def scarce(monkeypatch):
    """Let no more than so many clips into memory at once; returns the sizes of all batches that were tried."""

    def at_most(clips):
        tried = []

        def embed(self, waveform, lengths):
            tried.append(len(waveform))
            if len(waveform) > clips:
                raise torch.OutOfMemoryError
            return EMBED(self, waveform, lengths)

        monkeypatch.setattr(Toy, "embed", embed)
        return tried

    return at_most


@pytest.mark.parametrize("evaluation", ["whole", "centre"])
def test_batches_that_do_not_fit_are_halved_and_no_score_changes(scarce, caplog, evaluation):
    recipe = RECIPE.model_copy(update={"evaluation": evaluation})
    expected = predict(toy(), CLIPS, recipe)
    tried = scarce(3)
    torch.testing.assert_close(predict(toy(), CLIPS, recipe), expected, atol=1e-6, rtol=0)
    assert tried == [8, 4, *[2] * 10, 1]
    assert "only 2 clips are scored at once" in caplog.text


def test_scores_are_float32_whatever_the_precision_of_training():
    assert torch.equal(predict(toy(), CLIPS, RECIPE), predict(toy(), CLIPS, RECIPE.model_copy(update=BFLOAT16)))


@pytest.fixture
def rounded():
    """Let torch round wherever it can; returns a function that tells whether it does."""
    torch.set_float32_matmul_precision("high")
    yield lambda: (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
    torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("score", [predict, embed])
def test_no_score_is_rounded_to_tensorfloat32_and_other_work_goes_on_as_before(monkeypatch, rounded, score):
    found = [rounded()]

    def embed(self, waveform, lengths):
        found.append(rounded())
        return EMBED(self, waveform, lengths)

    monkeypatch.setattr(Toy, "embed", embed)
    score(toy(), CLIPS, RECIPE)
    assert [*found, rounded()] == [(True, True), *3 * [(False, False)], (True, True)]


def test_one_clip_that_does_not_fit_is_an_error_that_names_it(scarce):
    scarce(0)
    with pytest.raises(TrainingError, match=r"one clip to score \(0\d\d\); set training.evaluation to 'centre'"):
        predict(toy(), CLIPS, RECIPE)
