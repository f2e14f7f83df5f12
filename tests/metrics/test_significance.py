"""Bootstrap and paired tests against naive and SciPy references."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from emonet_builtins.metrics import METRICS

from emonet_bench.errors import CorpusError
from emonet_bench.metrics import accuracy, macro_f1, significance, unweighted_average_recall
from emonet_bench.metrics.choice import MetricChoice, choose_metric
from emonet_bench.metrics.counts import label_arrays
from emonet_bench.metrics.significance import almost_stochastic_order, holm, mcnemar

LABELS = ("anger", "joy", "neutral")
KNOWN = {metric.name: metric for metric in METRICS}

PINNED_INTERVALS = {
    "uar": (0.7077743699791009, 0.8004517566653582),
    "accuracy": (0.7125, 0.8041666666666667),
    "macro_f1": (0.7066866643181521, 0.7988903900140049),
}
PINNED_COMPARISONS = {
    "uar": (0.41530032866506705, 0.310937065572363, 0.5205853301943244, 0.0078125),
    "accuracy": (0.41666666666666663, 0.31249999999999994, 0.5249999999999999, 0.0078125),
    "macro_f1": (0.41463481840265437, 0.3105032066443306, 0.519353387754397, 0.0078125),
}


def interval(truth, prediction, labels, speakers, *, metric="uar", **options):
    sides = label_arrays(truth, prediction, labels)
    return significance.interval(*sides, choose_metric(metric, KNOWN, "test"), labels, speakers, **options)


def compare(truth, first, second, labels, speakers, *, metric="uar", **options):
    (true, one), (_, other) = (label_arrays(truth, side, labels) for side in (first, second))
    return significance.compare(true, one, other, choose_metric(metric, KNOWN, "test"), labels, speakers, **options)


def _clips(count=240, speakers=8, right=0.7, seed=0):
    generator = np.random.default_rng(seed)
    truth = generator.choice(LABELS, count)
    prediction = np.where(generator.random(count) < right, truth, generator.choice(LABELS, count))
    return truth.tolist(), prediction.tolist(), [f"s{index % speakers}" for index in range(count)]


def _naive(truth, prediction, speakers, score, resamples=2000):
    """Draw speakers one by one, gather their clips, and score them: slow, and written from the definition."""
    generator = np.random.default_rng(1)
    everyone = sorted(set(speakers))
    values = []
    for _ in range(resamples):
        drawn = generator.choice(everyone, len(everyone))
        index = [i for who in drawn for i, speaker in enumerate(speakers) if speaker == who]
        values.append(score([truth[i] for i in index], [prediction[i] for i in index], LABELS))
    return np.quantile(values, [0.025, 0.975])


@pytest.mark.parametrize(
    ("metric", "score"), [("uar", unweighted_average_recall), ("accuracy", accuracy), ("macro_f1", macro_f1)]
)
def test_the_interval_is_that_of_a_naive_bootstrap_over_speakers(metric, score):
    truth, prediction, speakers = _clips()
    got = interval(truth, prediction, LABELS, speakers, metric=metric, resamples=4000)
    assert (got.unit, got.units) == ("speakers", 8)
    assert [got.low, got.high] == pytest.approx(_naive(truth, prediction, speakers, score), abs=0.012)


def test_an_interval_over_speakers_is_wider_than_over_clips_when_speakers_differ():
    truth = ["anger", "joy"] * 60
    speakers = [f"s{index // 20}" for index in range(120)]
    prediction = [label if int(who[1]) % 2 else "anger" for label, who in zip(truth, speakers, strict=True)]
    over_speakers = interval(truth, prediction, LABELS[:2], speakers)
    over_clips = interval(truth, prediction, LABELS[:2], [None] * 120)
    assert over_speakers.high - over_speakers.low > 2 * (over_clips.high - over_clips.low)


@pytest.mark.parametrize("speakers", [[None] * 240, ["one"] * 240, ["a", None] * 120])
def test_clips_are_drawn_where_speakers_do_not_tell_clips_apart(speakers):
    truth, prediction, _ = _clips()
    got = interval(truth, prediction, LABELS, speakers)
    assert (got.unit, got.units) == ("clips", 240)
    share = unweighted_average_recall(truth, prediction, LABELS)
    assert got.high - got.low == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / 240), rel=0.1)  # binomial


def test_repeating_a_seed_does_not_narrow_the_interval():
    truth, prediction, speakers = _clips()
    once = interval(truth, prediction, LABELS, speakers)
    thrice = interval(truth * 3, prediction * 3, LABELS, speakers * 3)
    assert (once.low, once.high) == pytest.approx((thrice.low, thrice.high))
    clips = [f"clip{index}" for index in range(240)]
    unknown = interval(truth * 3, prediction * 3, LABELS, [None] * 720, clips=clips * 3)
    assert unknown.units == 240
    assert interval(truth, prediction, LABELS, [None] * 240).low == pytest.approx(unknown.low)


def test_a_declared_label_that_never_occurs_lowers_the_interval_as_it_lowers_the_score():
    truth, prediction, speakers = _clips()
    got = interval(truth, prediction, LABELS, speakers)
    more = interval(truth, prediction, (*LABELS, "fear"), speakers)
    assert (more.low, more.high) == pytest.approx((got.low * 3 / 4, got.high * 3 / 4))


def test_a_resample_without_a_label_does_not_shift_the_interval():
    truth = ["anger"] * 20 + ["joy"] * 2
    got = interval(truth, ["anger"] * 22, LABELS[:2], [f"s{i}" for i in range(22)])
    assert (got.low, got.high) == (0.5, 0.5), "a constant answer has the same UAR on whatever is drawn"


def test_equal_systems_do_not_differ():
    truth, prediction, speakers = _clips()
    got = compare(truth, prediction, prediction, LABELS, speakers)
    assert (got.difference, got.low, got.high, got.p) == (0, 0, 0, 1)


def test_a_system_that_is_better_for_every_speaker_is_significantly_better():
    truth, prediction, speakers = _clips(right=0.3)
    got = compare(truth, truth, prediction, LABELS, speakers)
    assert got.difference == pytest.approx(1 - unweighted_average_recall(truth, prediction, LABELS))
    assert got.p == 2**-7  # of eight speakers
    assert got.low > 0
    assert compare(truth, prediction, truth, LABELS, speakers).difference == -got.difference


def test_systems_of_equal_skill_are_rarely_called_different():
    rejected = 0
    for seed in range(60):
        truth, first, speakers = _clips(seed=seed, speakers=20)
        generator = np.random.default_rng(seed + 1000)
        second = [t if generator.random() < 0.7 else str(generator.choice(LABELS)) for t in truth]
        rejected += compare(truth, first, second, LABELS, speakers, resamples=400).p < 0.05
    assert rejected <= 9  # 60 tests at 5 %: 3 expected, 10 or more would happen once in a thousand


def test_two_speakers_prove_nothing():
    truth, prediction, speakers = _clips(speakers=2, right=0.3)
    assert compare(truth, truth, prediction, LABELS, speakers).p == 0.5


def test_mcnemar_agrees_with_the_exact_binomial_test():
    stats = pytest.importorskip("scipy.stats")
    truth, first, _ = _clips()
    _, second, _ = _clips(seed=0, right=0.4)
    better = sum(a == t != b for t, a, b in zip(truth, first, second, strict=True))
    worse = sum(b == t != a for t, a, b in zip(truth, first, second, strict=True))
    assert mcnemar(truth, first, second) == pytest.approx(stats.binomtest(better, better + worse, 0.5).pvalue)
    assert mcnemar(truth, first, first) == 1.0
    assert 0 <= mcnemar([1] * 3000, [1] * 3000, [0] * 3000) < 1e-300  # no overflow


def test_holm_agrees_with_its_definition():
    # By hand: sorted, the five are multiplied by 5, 4, 3, 2 and 1, and none may fall below the one before it.
    assert holm([0.01, 0.02, 0.03, 0.005, 0.5]) == pytest.approx([0.04, 0.06, 0.06, 0.025, 0.5])
    assert holm([]) == []


def _riemann(first, second, steps=20_000):
    """Violation ratio from the definition: quantile functions on a fine grid."""
    grid = (np.arange(steps) + 0.5) / steps
    first, second = (np.quantile(scores, grid, method="inverted_cdf") for scores in (first, second))
    squared = (first - second) ** 2
    return squared[first < second].sum() / squared.sum()


@pytest.mark.parametrize("sizes", [(10, 10), (12, 17)])
def test_the_almost_stochastic_order_agrees_with_a_naive_one(sizes):
    norm = pytest.importorskip("scipy.stats").norm
    generator = np.random.default_rng(3)
    first, second = generator.normal(0.6, 0.05, sizes[0]), generator.normal(0.57, 0.05, sizes[1])
    seen = _riemann(first, second)
    scale = np.sqrt(sizes[0] * sizes[1] / sum(sizes))
    resampled = [
        _riemann(generator.choice(first, sizes[0]), generator.choice(second, sizes[1]), 2000) for _ in range(1500)
    ]
    expected = seen - np.std(scale * (np.array(resampled) - seen)) * norm.ppf(0.05) / scale
    assert almost_stochastic_order(first, second, resamples=4000) == pytest.approx(min(expected, 1), abs=0.03)


def test_the_two_directions_of_the_violation_add_up_to_one():
    generator = np.random.default_rng(4)
    first, second = generator.normal(0.6, 0.05, 11), generator.normal(0.6, 0.05, 15)
    # At confidence 0.5 the bound is the ratio itself.
    both = [almost_stochastic_order(a, b, level=0.5) for a, b in ((first, second), (second, first))]
    assert sum(both) == pytest.approx(1)
    assert both[0] == pytest.approx(_riemann(first, second), abs=1e-3)


def test_the_order_over_seeds_is_left_out_below_ten_of_them_and_undecided_between_equals():
    assert almost_stochastic_order([0.9] * 9, [0.1] * 20) is None
    assert almost_stochastic_order([0.5] * 10, [0.5] * 10) == 0.5
    assert almost_stochastic_order([0.1 + 0.01 * i for i in range(10)], [0.5] * 10) == 1.0


def test_uars_figures_are_those_of_earlier_versions_to_the_last_bit():
    truth, prediction, speakers = _clips()
    other = _clips(seed=1)[1]
    got = {
        metric: interval(truth, prediction, LABELS, speakers, metric=metric)
        for metric in ("uar", "accuracy", "macro_f1")
    }
    assert {name: (one.low, one.high) for name, one in got.items()} == PINNED_INTERVALS
    pairs = {metric: compare(truth, prediction, other, LABELS, speakers, metric=metric) for metric in got}
    assert {name: (one.difference, one.low, one.high, one.p) for name, one in pairs.items()} == PINNED_COMPARISONS


@pytest.mark.parametrize("name", ["uar", "accuracy", "macro_f1", "weighted_f1", "kappa", "uar:joy", "macro_f1:anger"])
def test_scoring_counts_is_scoring_each_resample_by_itself(name):
    truth, prediction, speakers = _clips()
    choice = choose_metric(name, KNOWN, "test")
    slow = MetricChoice(replace(choice.metric, counts=None), choice.part)
    sides = label_arrays(truth, prediction, LABELS)
    ends = [significance.interval(*sides, one, LABELS, speakers, resamples=300) for one in (choice, slow)]
    assert [ends[0].low, ends[0].high] == pytest.approx([ends[1].low, ends[1].high], abs=1e-12)


def test_the_interval_of_a_correlation_is_that_of_a_naive_bootstrap():
    draw = np.random.default_rng(0)
    truth = draw.normal(size=(200, 2))
    predicted = truth + draw.normal(size=(200, 2))
    speakers = [f"s{index % 10}" for index in range(200)]
    got = significance.interval(truth, predicted, choose_metric("pearson", KNOWN, "test"), ("a", "v"), speakers)

    def score(true, given, _):
        pairs = zip(np.array(true).T, np.array(given).T, strict=True)
        return np.mean([np.corrcoef(*pair)[0, 1] for pair in pairs])

    assert [got.low, got.high] == pytest.approx(_naive(truth, predicted, speakers, score), abs=0.01)


def test_resamples_in_which_nothing_is_true_do_not_count():
    truth, scores = np.zeros((12, 2)), np.random.default_rng(0).random((12, 2))
    truth[0] = 1  # a single speaker has any
    choice = choose_metric("map", KNOWN, "test")
    got = significance.interval(truth, scores, choice, LABELS[:2], [f"s{i}" for i in range(12)], resamples=100)
    assert 0 < got.low <= got.high <= 1
    with pytest.raises(CorpusError, match="mAP says nothing of these clips"):
        choice.score(np.zeros((3, 2)), scores[:3], LABELS[:2])
