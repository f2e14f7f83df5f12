"""Output activation, by the kind of target."""

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax

from emonet_bench.errors import ConfigError
from emonet_bench.networks import Classifier, Head, build_classifier
from emonet_bench.networks.outputs import activate, from_places, on_scales
from emonet_bench.types import Target, TrainingSet
from tests.toys import Toy

LOGITS = torch.tensor([[0.5, -1.0], [2.0, 0.0]])
VOTES = Target("votes", "votes", ("a", "b"))
SET = Target("labels", "label-set", ("a", "b"))
VALUES = Target("values", "values", ("arousal", "valence"), ((1.0, 7.0), (0.0, 100.0)))


def test_labels_and_votes_are_probabilities_label_sets_scores():
    for target in (None, VOTES):
        assert activate(LOGITS, target).numpy() == pytest.approx(softmax(LOGITS.numpy(), axis=1))
    assert activate(LOGITS, SET).numpy() == pytest.approx(expit(LOGITS.numpy()))


def test_values_are_numbers_on_scales_whose_ends_are_minus_one_and_one():
    places = torch.tensor([[-1.0, 1.0], [0.0, 0.5]])
    assert activate(places, VALUES).tolist() == [[1.0, 100.0], [4.0, 75.0]]
    assert on_scales(places, VALUES.scales).tolist() == [[1.0, 100.0], [4.0, 75.0]]


def test_what_a_regression_gives_becomes_what_metrics_take():
    found = torch.tensor([[1.2, -0.1], [0.5, 0.5]])
    shares = from_places(found, VOTES).numpy()
    assert shares.sum(1) == pytest.approx(np.ones(2))
    assert (shares > 0).all()
    assert from_places(found, SET).tolist()[1] == [0.5, 0.5]
    assert from_places(found, VALUES).tolist()[1] == [5.5, 75.0]


@pytest.mark.parametrize("names", [("arousal",), ("arousal", "valence")])
def test_values_have_an_output_each_even_one_or_two(names):
    made = build_classifier(Toy(), [TrainingSet("c", names, 4, "values")]).eval()
    made.select("c")
    logits = made(torch.randn(3, 4_000))
    assert logits.shape == (3, len(names))
    assert bool((logits[:, 0] != 0).all())  # two labels would have [0, z]


def test_a_head_without_independent_logits_is_refused_in_one_line():
    class Own(Toy):
        def make_head(self, classes):
            return Head(self.dim, classes)

    assert isinstance(build_classifier(Own(), [TrainingSet("c", ("a", "b"), 4, "votes")]), Classifier)
    with pytest.raises(ConfigError, match="corpus c: its target is of the kind 'values', and the heads of Own are for"):
        build_classifier(Own(), [TrainingSet("c", ("arousal",), 4, "values")])
