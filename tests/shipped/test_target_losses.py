"""Losses for votes, label sets and values, held against scipy, scikit-learn, audmetric and torch."""

import audmetric
import numpy as np
import pytest
import torch
from emonet_builtins.target_losses import TARGET_LOSSES
from scipy.special import expit, huber, softmax
from scipy.stats import entropy
from sklearn.metrics import log_loss
from torch.nn import functional as F  # noqa: N812

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.methods import set_options
from emonet_bench.plugins.loading import Plugins
from emonet_bench.training.losses import criterion_of, crossentropy, inverse_frequency
from emonet_bench.training.methods import methods_of
from emonet_bench.types import TargetSummary

GENERATOR = np.random.default_rng(0)
LOGITS = GENERATOR.normal(size=(12, 3))
SHARES = GENERATOR.dirichlet(np.ones(3), 12)
SETS = (GENERATOR.random((12, 3)) > 0.5).astype(float)
PLACES = GENERATOR.uniform(-1, 1, (12, 3))
WEIGHT = np.array([0.5, 1.0, 2.5])
BUILT = {loss.name: loss for loss in TARGET_LOSSES}


def computed(name, targets, weight=None, **options):
    loss = BUILT[name]
    mean = loss.build(loss.options(**options), TargetSummary(("a", "b", "c"), (4, 4, 4), loss.kinds[0]))
    tensors = (torch.from_numpy(LOGITS), torch.from_numpy(targets))
    return float(mean(*tensors, None if weight is None else torch.from_numpy(weight)))


def test_the_divergence_of_votes_is_scipys():
    each = entropy(SHARES, softmax(LOGITS, axis=1), axis=1)
    assert computed("kl", SHARES) == pytest.approx(each.mean())
    assert computed("kl", SHARES, WEIGHT) == pytest.approx(np.average(each, weights=SHARES @ WEIGHT))


def test_the_cross_entropy_of_label_sets_is_the_mean_of_scikit_learns_over_labels():
    each = np.array([log_loss(SETS[:, k], expit(LOGITS[:, k]), labels=[0, 1]) for k in range(3)])
    assert computed("bce", SETS) == pytest.approx(each.mean())
    assert computed("bce", SETS, WEIGHT) == pytest.approx((each * WEIGHT).mean())


def test_the_loss_of_concordance_is_one_minus_audmetrics():
    each = [audmetric.concordance_cc(PLACES[:, k], LOGITS[:, k]) for k in range(3)]
    assert computed("ccc", PLACES) == pytest.approx(1 - np.mean(each), abs=1e-6)


def test_the_loss_of_concordance_of_a_constant_batch_is_finite_and_has_finite_gradients():
    logits = torch.zeros(4, 1, requires_grad=True)
    loss = BUILT["ccc"].build(BUILT["ccc"].options(), TargetSummary(("a",), (4,), "values"))(
        logits, torch.zeros(4, 1), None
    )
    loss.backward()
    assert bool(torch.isfinite(loss))
    assert bool(torch.isfinite(logits.grad).all())


def test_squared_and_huber_losses_are_numpys_and_scipys():
    gap = LOGITS - PLACES
    assert computed("mse", PLACES) == pytest.approx(np.square(gap).mean())
    assert computed("huber", PLACES, delta=0.4) == pytest.approx(huber(0.4, gap).mean() / 0.4)


@pytest.mark.parametrize("name", ["ccc", "mse", "huber"])
def test_attributes_weigh_what_the_options_say(name):
    def of_one(place):
        logits, targets = (torch.from_numpy(each[:, [place]]) for each in (LOGITS, PLACES))
        return float(
            BUILT[name].build(BUILT[name].options(), TargetSummary(("a",), (12,), "values"))(logits, targets, None)
        )

    each = [of_one(place) for place in range(3)]
    assert computed(name, PLACES, weights={"a": 3, "c": 0.5}) == pytest.approx(
        np.average(each, weights=[3, 1, 0.5]), abs=1e-6
    )
    assert computed(name, PLACES, weights={"b": 0, "c": 0}) == pytest.approx(each[0], abs=1e-6)


@pytest.mark.parametrize("name", ["ccc", "mse", "huber"])
def test_weights_are_held_to_the_attributes_without_torch(name):
    check, options = BUILT[name].check, BUILT[name].options
    check(options(weights={"valence": 0}), ("arousal", "valence"))
    known = "known: arousal, valence"
    with pytest.raises(ConfigError, match=rf"^loss.{name}.weights: there is no attribute 'arousel'; {known}$"):
        check(options(weights={"arousel": 1}), ("arousal", "valence"))
    with pytest.raises(ConfigError, match="all attributes weigh nothing"):
        check(options(weights={"a": 0}), ("a",))


def test_weights_that_say_nothing_are_no_part_of_what_identifies_a_run():
    assert set_options(BUILT["huber"].options(delta=0.5)) == {"delta": 0.5}
    assert set_options(BUILT["ccc"].options(weights={"a": 2})) == {"weights": {"a": 2.0}}


def test_cross_entropy_takes_votes_and_of_unanimous_ones_it_is_that_of_labels():
    logits, weight, labels = torch.from_numpy(LOGITS), torch.from_numpy(WEIGHT), torch.arange(12) % 3
    for smoothing in (0.0, 0.1):
        for given in (None, weight):
            votes = crossentropy(logits, F.one_hot(labels, 3).double(), given, smoothing)
            assert float(votes) == pytest.approx(float(crossentropy(logits, labels, given, smoothing)))
    soft = F.cross_entropy(logits, torch.from_numpy(SHARES), label_smoothing=0.1)
    assert float(crossentropy(logits, torch.from_numpy(SHARES), None, 0.1)) == pytest.approx(float(soft))


def test_weights_of_votes_balance_what_their_shares_count():
    weight = inverse_frequency(torch.from_numpy(SHARES.sum(0)))
    assert (SHARES.sum(0) * weight.numpy()) == pytest.approx(np.full(3, 4.0))


@pytest.mark.parametrize(
    ("name", "kind", "targets"),
    [("crossentropy", "votes", SHARES), ("kl", "votes", SHARES), ("bce", "label-set", SETS), ("mse", "values", PLACES)],
)
def test_the_pieces_of_a_batch_add_up_to_its_loss(name, kind, targets):
    recipe = Training(loss=name, device="cpu")
    logits, true = torch.from_numpy(LOGITS).float(), torch.from_numpy(targets).float()
    criterion = criterion_of(methods_of(recipe).loss, recipe, true, ("a", "b", "c"), kind)
    pieces = [
        criterion(logits[rows], true[rows]) * criterion.share(true[rows], true) for rows in (slice(5), slice(5, 12))
    ]
    assert float(sum(pieces)) == pytest.approx(float(criterion(logits, true)), rel=1e-5)


def test_every_kind_has_a_loss():
    kinds = {kind for loss in Plugins(corpora=False).losses.values() for kind in loss.kinds}
    assert kinds == {"label", "votes", "label-set", "values"}
