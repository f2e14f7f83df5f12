"""Nearest neighbours against scikit-learn's, and their way through a checkpoint."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from emonet_bench.errors import TrainingError
from emonet_bench.networks import build_classifier
from emonet_bench.training import nearest_neighbours
from emonet_bench.training.linear_models import Rows
from emonet_bench.training.nearest_neighbours import (
    NearestNeighboursHead,
    choose_nearest_neighbours,
    fit_nearest_neighbours,
)
from tests.toys import Toy, toy_clips, toy_set

ROWS, ASKED = torch.randn(70, 7, generator=torch.Generator().manual_seed(0)).split([50, 20])
TARGETS = torch.arange(50) % 3


class StandardToy(Toy):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(8))
        self.register_buffer("scale", torch.ones(8))

    def embed(self, waveform, lengths):
        return (super().embed(waveform, lengths) - self.mean) / self.scale

    def make_head(self, classes):
        return NearestNeighboursHead(8, classes)


def head_of(number):
    head = NearestNeighboursHead(7, 3)
    head.set(ROWS, nn.functional.one_hot(TARGETS, 3), number)
    return head


@pytest.mark.parametrize("number", [1, 4, 15])
def test_votes_are_scikit_learns_with_the_same_kernel(number):
    def kernel(distances):
        return 1 - (distances / distances[:, -1:]) ** 2

    oracle = KNeighborsClassifier(number + 1, weights=kernel).fit(ROWS, TARGETS)
    total = kernel(oracle.kneighbors(ASKED)[0]).sum(1, keepdims=True)
    votes = oracle.predict_proba(ASKED) * total + 1e-3  # the little that every label has
    np.testing.assert_allclose(head_of(number)(ASKED).softmax(1), votes / votes.sum(1, keepdims=True), atol=1e-4)


def test_a_step_across_the_border_of_the_neighbours_moves_no_whole_vote():
    path = torch.stack([torch.lerp(ASKED[0], ASKED[1], share) for share in torch.linspace(0, 1, 2001)])
    shares = head_of(3)(path).softmax(1)
    assert (shares[1:] - shares[:-1]).abs().max() < 0.05
    assert (shares[0] - shares[-1]).abs().max() > 0.1


def test_a_training_clip_next_to_equal_ones_has_finite_logits():
    head = NearestNeighboursHead(7, 3)
    head.set(ROWS[:1].expand(6, 7), nn.functional.one_hot(TARGETS[:6], 3), 3)
    assert head(ROWS[:2]).isfinite().all()


def test_the_head_goes_through_a_checkpoint_with_all_its_rows():
    again = NearestNeighboursHead(7, 3)
    again.load_state_dict(head_of(4).state_dict())
    assert torch.equal(again(ASKED), head_of(4)(ASKED))


def fitted(train, dev, neighbours=(1, 3, 7)):
    torch.manual_seed(0)
    made = build_classifier(StandardToy(), [toy_set(train)]).eval()
    options = SimpleNamespace(neighbours=neighbours, balanced=True, batch_size=4)
    found = fit_nearest_neighbours(made, train, dev, options, 0)
    assert found.notes["neighbours"].startswith(f"{int(made.heads.active.neighbours)}, of UAR ")
    return made


def test_loud_and_soft_are_told_apart_after_a_fit():
    train, dev = toy_clips(seed=1), toy_clips(seed=2)
    made = fitted(train, dev)
    batch = dev.whole(torch.arange(len(dev)))
    assert (made(batch.waveform, batch.lengths).argmax(1) == dev.targets).float().mean() > 0.9
    assert len(made.heads.active.rows) == len(train)


def test_more_neighbours_than_clips_are_all_the_others():
    train = toy_clips(6, seed=1)
    assert int(fitted(train, train, (100,)).heads.active.neighbours) == 5


def test_more_clips_than_a_file_should_hold_are_refused(monkeypatch):
    monkeypatch.setattr(nearest_neighbours, "MOST_ROWS", 10)
    with pytest.raises(TrainingError, match=r"hold at most 10 training clips, there are 40; set training.limit"):
        fitted(toy_clips(seed=1), toy_clips(seed=2))


def test_of_several_sets_of_features_the_one_that_tells_labels_apart_is_taken():
    targets = torch.arange(30) % 3

    def rows(seed):
        values = torch.randn(30, 3, 5, generator=torch.Generator().manual_seed(seed))  # three sets of five features
        values[:, 1] += 3 * targets[:, None]
        return Rows(values.double().numpy(), targets.numpy())

    options = SimpleNamespace(neighbours=(5, 1), balanced=True, batch_size=4)
    found = choose_nearest_neighbours(rows(1), rows(2), 3, options)
    assert found.place == 1
    np.testing.assert_allclose(found.mean, rows(1).values[:, 1].mean(0), atol=1e-5)
