"""Losses against hand-computed values and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from emonet_bench.config import Training, parse
from emonet_bench.errors import ConfigError
from emonet_bench.training.losses import (
    balanced_weights,
    criterion_of,
    effective_number,
    focal,
    inverse_frequency,
    ordinal,
)
from emonet_bench.training.methods import methods_of
from emonet_bench.types import TargetSummary

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 0.3, -0.2], [1.0, 1.0, 3.0], [0.1, 0.2, 0.3]], dtype=torch.float64)
TARGETS = torch.tensor([0, 2, 2, 1])


def criterion(recipe, targets, classes):
    return criterion_of(methods_of(recipe).loss, recipe, targets, "abc"[:classes])


def test_balanced_weights_are_scikit_learns():
    targets = torch.tensor([0, 0, 0, 1, 2, 2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=targets.numpy())
    assert balanced_weights(targets, 3).numpy() == pytest.approx(expected)


def test_a_class_without_clips_weighs_nothing_and_the_others_stay_balanced():
    weights = balanced_weights(torch.tensor([0, 0, 2, 2]), 3)
    assert weights.tolist() == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.999])
def test_weights_by_the_effective_number_are_those_of_the_published_formula_up_to_a_factor(beta):
    counts = np.array([500, 20, 3, 1])
    published = [1 / sum(beta**k for k in range(n)) for n in counts]  # (1 - beta^n) / (1 - beta), term by term
    weights = effective_number(torch.from_numpy(counts), beta).numpy()
    assert weights / weights[-1] == pytest.approx(np.array(published) / published[-1])
    assert (weights * counts).sum() == pytest.approx(counts.sum())


def test_the_effective_number_tends_to_the_frequency_and_a_class_without_clips_weighs_nothing():
    counts = torch.tensor([40, 0, 7, 1])
    nearly = effective_number(counts, 1 - 1e-9)
    assert nearly.numpy() == pytest.approx(inverse_frequency(counts).numpy(), rel=1e-5)
    assert nearly[1] == 0


def test_a_recipe_weighs_classes_by_their_effective_number():
    targets = torch.tensor([0] * 9 + [1])
    weights = criterion(Training(class_balanced_beta=0.9), targets, 2).weight
    assert weights.tolist() == pytest.approx(effective_number(torch.tensor([9, 1]), 0.9).tolist())
    assert "class_balanced_beta" not in Training().model_dump()  # run ids are what they were
    with pytest.raises(ConfigError, match=r"^m: class_balanced_beta weighs classes, and balanced_weights is off"):
        parse(Training, {"class_balanced_beta": 0.9, "balanced_weights": False}, "m")


def test_unweighted_crossentropy_is_scikit_learns_log_loss():
    recipe = Training(balanced_weights=False, label_smoothing=0)
    loss = criterion(recipe, TARGETS, 3)(LOGITS, TARGETS)
    assert loss.item() == pytest.approx(log_loss(TARGETS, LOGITS.softmax(-1), labels=[0, 1, 2]))


def test_focal_loss_equals_its_formula_clip_by_clip():
    p = LOGITS.softmax(-1).numpy()
    expected = np.mean([-0.25 * (1 - p[i, t]) ** 2 * np.log(p[i, t]) for i, t in enumerate(TARGETS.tolist())])
    assert focal(LOGITS, TARGETS, None).item() == pytest.approx(expected)


def test_focal_loss_with_weights_is_the_weighted_mean():
    weight = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
    each = torch.stack([focal(LOGITS[i : i + 1], TARGETS[i : i + 1], None) for i in range(4)])
    expected = (each * weight[TARGETS]).sum() / weight[TARGETS].sum()
    assert focal(LOGITS, TARGETS, weight).item() == pytest.approx(expected.item())


def test_ordinal_loss_equals_its_formula_clip_by_clip():
    log_p = np.log(LOGITS.softmax(-1).numpy())
    losses = []
    for i, target in enumerate(TARGETS.tolist()):
        raw = np.exp([-abs(k - target) for k in range(3)])
        losses.append(-(raw / raw.sum() * log_p[i]).sum())
    assert ordinal(LOGITS, TARGETS, None).item() == pytest.approx(np.mean(losses))


def test_ordinal_loss_punishes_a_far_mistake_more_than_a_near_one():
    near, far = torch.tensor([[0.0, 5.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 0.0, 5.0]])
    truth = torch.tensor([0])
    assert ordinal(near, truth, None) < ordinal(far, truth, None)


@pytest.mark.parametrize("name", ["crossentropy", "focal", "ordinal"])
def test_every_loss_uses_balanced_weights(name):
    targets = torch.tensor([0, 0, 0, 1])
    logits = torch.tensor([[1.0, 0.0], [0.5, 0.2], [0.3, 0.0], [1.0, -1.0]])
    balanced = criterion(Training(loss=name, balanced_weights=True), targets, 2)(logits, targets)
    plain = criterion(Training(loss=name, balanced_weights=False), targets, 2)(logits, targets)
    assert balanced != pytest.approx(plain.item())


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("name", ["crossentropy", "focal", "ordinal"])
def test_pieces_of_a_batch_weigh_so_much_that_their_losses_add_up_to_the_batchs(name, balanced):
    loss = criterion(Training(loss=name, balanced_weights=balanced), torch.tensor([0, 0, 0, 1, 2]), 3)
    logits = LOGITS.float()
    pieces = [slice(0, 1), slice(1, 4)]
    total = sum(loss(logits[rows], TARGETS[rows]) * loss.share(TARGETS[rows], TARGETS) for rows in pieces)
    assert total.item() == pytest.approx(loss(logits, TARGETS).item())
    assert float(loss.share(TARGETS, TARGETS)) == 1


def test_a_loss_is_told_of_the_targets_that_it_is_built_for():
    told = []
    recipe = Training(label_smoothing=0.2)
    criterion_of(told.append, recipe, torch.tensor([2, 0, 0, 0]), ("calm", "tense", "angry"))
    assert told == [TargetSummary(("calm", "tense", "angry"), (3, 0, 1), "label", 0.2)]
