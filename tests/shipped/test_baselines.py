"""The baselines against NumPy and scikit-learn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from emonet_baselines import build_chance, build_svm, fit_chance, fit_ridge, fit_svm
from emonet_baselines.functionals import PERCENTILES, Functionals
from emonet_baselines.options import ChanceOptions, RidgeOptions, SvmOptions

from emonet_bench.errors import TrainingError
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.metrics.regression import concordance_correlation
from emonet_bench.networks import build_classifier
from emonet_bench.networks.outputs import activate
from emonet_bench.testing.signals import clips
from emonet_bench.types import InputSpec, Target, TrainingSet

SIGNAL = InputSpec()
SMALL = SvmOptions(num_mels=12)


def relabelled(clips, targets, labels):
    return dataclasses.replace(clips, targets=torch.as_tensor(targets), labels=tuple(labels))


def unfitted(network, labels):
    return build_classifier(network, [TrainingSet("corpus", tuple(labels), 0)]).eval()


def probabilities(made, features):
    batch = features.whole(torch.arange(len(features)))
    with torch.no_grad():
        return made(batch.waveform, batch.lengths).softmax(-1)


@pytest.mark.parametrize("labels", ["ab", "abc", "abcd"])
def test_chance_always_gives_the_shares_of_the_training_labels(labels):
    targets = [0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, len(labels[:3]) - 1]
    train = relabelled(clips(SIGNAL, 0), targets, labels)
    made = unfitted(build_chance(ChanceOptions(), SIGNAL), labels)
    fit_chance(made, train, train, ChanceOptions(), 0)
    counts = np.bincount(targets, minlength=len(labels)).clip(min=0.5)
    np.testing.assert_allclose(probabilities(made, train), np.tile(counts / counts.sum(), (18, 1)), rtol=1e-6)
    assert (probabilities(made, train).argmax(-1) == 1).all()


def with_target(made, kind, targets, scales=()):
    names = ("one", "two", "three")
    target = Target("told", kind, names, scales)
    return dataclasses.replace(made, targets=torch.as_tensor(targets).float(), labels=names, target=target)


def test_chance_has_the_mean_of_votes_and_values_and_the_share_of_each_label_of_a_set():
    draw = np.random.default_rng(0)
    shares, places = draw.dirichlet(np.ones(3), 18), draw.uniform(-1, 1, (18, 3))
    sets = (draw.random((18, 3)) < (0.2, 0.6, 0)).astype(float)  # nothing has the third
    least = np.maximum(sets.mean(0), 0.5 / 18)
    for kind, targets, expected in (
        ("votes", shares, shares.mean(0)),
        ("label-set", sets, least),
        ("values", places, 4 + 3 * places.mean(0)),
    ):
        train = with_target(clips(SIGNAL, 0), kind, targets, ((1, 7),) * 3 if kind == "values" else ())
        made = build_classifier(
            build_chance(ChanceOptions(), SIGNAL), [TrainingSet("corpus", train.labels, 18, kind)]
        ).eval()
        fit_chance(made, train, train, ChanceOptions(), 0)
        batch = train.whole(torch.arange(18))
        found = activate(made(batch.waveform, batch.lengths), train.target).detach()
        np.testing.assert_allclose(found, np.tile(expected, (18, 1)), rtol=1e-5)


def test_ridge_hears_how_loud_clips_are_and_beats_chance():
    def loudness(seed):
        made = clips(SIGNAL, seed)
        batch = made.whole(torch.arange(18))
        level = (batch.waveform.square().sum(1) / batch.lengths).log10()
        return with_target(made, "values", (level[:, None] / 4 + 0.5).clamp(-1, 1).repeat(1, 3), ((1, 7),) * 3)

    train, dev = loudness(0), loudness(1)
    options = RidgeOptions(num_mels=12)
    made = build_classifier(build_svm(options, SIGNAL), [TrainingSet("corpus", train.labels, 18, "values")]).eval()
    notes = fit_ridge(made, train, dev, options, 0)
    batch = dev.whole(torch.arange(18))
    with torch.no_grad():
        found = activate(made(batch.waveform, batch.lengths), dev.target)
    reached = concordance_correlation(dev.truth()[:, 0].numpy(), found[:, 0].numpy())
    assert reached > 0.9
    assert f"mean CCC {reached:.3f} on dev" in notes["C"] or f"{reached:.3f} on dev" in notes["C"]


def naive_functionals(contour):
    def of(values):
        slope = np.polyfit(np.arange(len(values)), values, 1)[0] if len(values) > 1 else 0.0
        return [values.mean(), values.std(), slope, *np.percentile(values, PERCENTILES)]

    return [of(contour), of(np.diff(contour, prepend=contour[:1]))]


@pytest.mark.parametrize("length", [1, 2, 3, 10, 37])
def test_functionals_equal_numpys_over_the_valid_frames(length):
    torch.manual_seed(length)
    contours = torch.randn(1, 3, 40, dtype=torch.float64)
    mask = (torch.arange(40) < length)[None, None]
    found = Functionals().double()(contours, mask)
    expected = [naive_functionals(contour[:length]) for contour in contours[0].numpy()]  # (C, 2, functionals)
    np.testing.assert_allclose(found[0], np.swapaxes(expected, 0, 1).ravel(), atol=1e-9)
    assert found.shape == (1, 3 * Functionals.count)


def fitted_svm(train, dev, **options):
    made = unfitted(build_svm(SMALL.model_copy(update=options), SIGNAL), train.labels)
    fit_svm(made, train, dev, SMALL.model_copy(update=options), 0)
    return made


def embeddings(made, features):
    batch = features.whole(torch.arange(len(features)))
    with torch.no_grad():
        return made.network.embed(batch.waveform, batch.lengths).double().numpy()


@pytest.mark.parametrize("labels", [2, 3])
def test_the_svm_logits_are_scikit_learns_decision_values(labels):
    from sklearn.svm import LinearSVC

    train = clips(SIGNAL, 0)
    train = relabelled(train, train.targets % labels, "abc"[:labels])
    made = fitted_svm(train, train, c_grid=(0.01,))
    features = embeddings(made, train)
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-4)
    svm = LinearSVC(C=0.01, class_weight="balanced", dual=True, random_state=0).fit(features, train.targets.numpy())
    expected = svm.decision_function(features)
    if labels == 2:
        expected = np.stack([np.zeros(len(features)), expected], axis=1)
    with torch.no_grad():
        logits = made.heads(torch.from_numpy(features).float())
    np.testing.assert_allclose(logits, expected, atol=2e-3)


def test_the_svm_tells_loud_from_soft_and_dull_from_bright():
    train, dev = clips(SIGNAL, 0), clips(SIGNAL, 1)
    prediction = probabilities(fitted_svm(train, dev), dev).argmax(-1)
    assert unweighted_average_recall(dev.targets.tolist(), prediction.tolist(), range(3)) == 1.0


def test_the_svm_takes_the_cost_that_is_best_on_dev():
    train, dev = clips(SIGNAL, 0), clips(SIGNAL, 1)
    generator = torch.Generator().manual_seed(0)
    train, dev = (
        relabelled(c, torch.randint(3, (18,), generator=generator), "abc") for c in (train, dev)
    )  # hard to tell
    costs = (1.0, 1e-5, 1e-3)
    single = {cost: fitted_svm(train, dev, c_grid=(cost,)) for cost in costs}
    uars = {
        c: unweighted_average_recall(dev.targets.tolist(), probabilities(m, dev).argmax(-1).tolist(), range(3))
        for c, m in single.items()
    }
    best = min(cost for cost in costs if uars[cost] == max(uars.values()))
    assert len(set(uars.values())) > 1, "the case must tell costs apart"
    chosen = fitted_svm(train, dev, c_grid=costs)
    assert torch.equal(chosen.heads.active.output.weight, single[best].heads.active.output.weight)


def test_a_functional_that_never_changes_is_not_blown_up():
    train = clips(SIGNAL, 0)  # normalised per utterance, the mean of all log-mels, so that of the first MFCC, is zero
    made = fitted_svm(train, train, features="mfcc", num_mfccs=6, normalise="utterance")
    batch = train.whole(torch.arange(18))
    with torch.no_grad():
        raw = made.network.functionals(*made.network.front_end(batch.waveform, batch.lengths))
    assert raw[:, 0].abs().max() < 1e-5
    assert embeddings(made, train)[:, 0].max() < 1e-4


@pytest.mark.parametrize("present", [[0, 2], [1, 3], [0, 1, 3]])
def test_a_label_without_training_clips_is_never_predicted(present):
    train = clips(SIGNAL, 0)
    targets = torch.tensor(present)[train.targets % len(present)]
    train = relabelled(train, targets, "abcd")
    scores = probabilities(fitted_svm(train, train), train)
    absent = sorted(set(range(4)) - set(present))
    assert scores[:, absent].max() == 0
    assert (scores.argmax(-1) == targets).float().mean() > 0.9


def test_one_training_label_alone_is_an_error_that_says_what_to_do():
    train = relabelled(clips(SIGNAL, 0), torch.zeros(18, dtype=torch.int64), "abc")
    with pytest.raises(TrainingError, match=r"all training clips have one label; use a protocol or a limit"):
        fitted_svm(train, train)
