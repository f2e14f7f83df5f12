"""Early stopping: what counts as a gain, and when a stage ends."""

from emonet_bench.config import Training
from emonet_bench.training.early_stopping import IMPROVEMENT, note_score, patient
from emonet_bench.training.resume import TrainingProgress


def run(scores):
    progress, best = TrainingProgress(), []
    for epoch, score in enumerate(scores, 1):
        progress.epoch = epoch
        best.append(note_score(progress, score))
    return progress, best


def test_the_first_of_equally_good_epochs_is_the_best():
    progress, best = run([0.5, 0.7, 0.7, 0.6])
    assert best == [True, True, False, False]
    assert (progress.best_epoch, progress.best_rank) == (2, 0.7)


def test_a_gain_that_is_too_small_is_the_best_epoch_and_does_not_reset_the_patience():
    progress, best = run([0.5, 0.5 + IMPROVEMENT / 2])
    assert best == [True, True]
    assert progress.epochs_without_improvement == 1
    assert progress.patience_baseline == 0.5


def test_small_gains_that_add_up_reset_the_patience():
    progress, _ = run([0.5, 0.5 + 0.7 * IMPROVEMENT, 0.5 + 1.4 * IMPROVEMENT])
    assert progress.epochs_without_improvement == 0


def test_a_stage_ends_after_as_many_epochs_without_a_gain_as_the_patience():
    progress, _ = run([0.5, 0.5, 0.5])
    assert patient(progress, Training(patience=3))
    assert not patient(progress, Training(patience=2))
    assert patient(progress, Training(patience=None))


def test_errors_are_ranked_below_zero_and_still_gain():
    progress, best = run([-2.5, -1.5, -1.6])  # minus an error on a scale
    assert best == [True, True, False]
    assert (progress.best_epoch, progress.epochs_without_improvement) == (2, 1)
