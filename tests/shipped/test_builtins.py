"""Losses and optimisers that come with the host are registered as anybody's, and are torch's and the papers' own."""

import pytest
import torch
from scipy.stats import beta, kstest

from emonet_bench.config import Training, parse
from emonet_bench.data.dataset import Batch
from emonet_bench.frontend.augmentation import augment_features, augment_waveform
from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.training.methods import methods_of
from emonet_bench.types import ParameterGroup, TargetSummary

PLUGINS = Plugins(Selection(names=("builtins",), strict=True))
LOGITS, TARGETS = torch.tensor([[2.0, -1.0], [0.3, 0.1], [-1.0, 1.0]]), torch.tensor([0, 1, 1])


def loss(**recipe):
    return methods_of(Training(**recipe), PLUGINS).loss(
        TargetSummary(("a", "b"), (1, 2), label_smoothing=recipe.get("label_smoothing", 0.0))
    )


def test_crossentropy_takes_the_recipes_label_smoothing():
    weight = torch.tensor([0.5, 2.0])
    expected = torch.nn.functional.cross_entropy(LOGITS, TARGETS, weight, label_smoothing=0.2)
    assert torch.equal(loss(label_smoothing=0.2)(LOGITS, TARGETS, weight), expected)


def test_focal_without_focus_is_a_share_of_the_crossentropy():
    expected = torch.nn.functional.cross_entropy(LOGITS, TARGETS)
    found = loss(loss="focal", loss_options={"gamma": 0.0, "alpha": 0.5})(LOGITS, TARGETS, None)
    torch.testing.assert_close(found, 0.5 * expected)


def test_only_the_ordinal_loss_needs_an_order():
    assert [name for name, made in PLUGINS.losses.items() if made.ordered] == ["ordinal"]


DEFAULTS = {
    "sgd": lambda groups: torch.optim.SGD(groups, 0.01, momentum=0.9),
    "rmsprop": lambda groups: torch.optim.RMSprop(groups, 0.01),
    "adam": lambda groups: torch.optim.Adam(groups, 0.01),
    "adadelta": lambda groups: torch.optim.Adadelta(groups, 0.01),
    "adamw": lambda groups: torch.optim.AdamW(groups, 0.01),
}


def test_every_optimiser_is_tried():
    assert DEFAULTS.keys() == PLUGINS.optimizers.keys()


@pytest.mark.parametrize("name", DEFAULTS)
def test_without_options_an_optimiser_has_torchs_settings(name):
    weight = torch.nn.Parameter(torch.ones(2))
    made = methods_of(Training(optimizer=name, weight_decay=0.1), PLUGINS).optimizer([ParameterGroup([weight])], 0.01)
    expected = DEFAULTS[name]([{"params": [weight], "lr": 0.01, "weight_decay": 0.1}])
    assert type(made) is type(expected)
    assert made.defaults == expected.defaults
    (own,) = made.param_groups
    assert {**own, "params": 0} == {**expected.param_groups[0], "rate": 1.0, "params": 0}


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_option_of_an_optimiser_reaches_it(name):
    model = PLUGINS.optimizers[name].options
    other = {key: [0.5, 0.7] if key == "betas" else 0.25 for key in model.model_fields}
    weight = torch.nn.Parameter(torch.ones(2))
    made = PLUGINS.optimizers[name].build(parse(model, other, name), [{"params": [weight]}], 0.01)
    for key, value in other.items():
        assert made.defaults[key] == (tuple(value) if isinstance(value, list) else value)


def changed(name, sampling_rate=1_000, **options):
    made = PLUGINS.augmentations[name]
    return made.build(parse(made.options, options, name), sampling_rate)


WAVEFORM, LENGTHS = torch.sin(torch.arange(2_000) * 0.2).repeat(4, 1), torch.tensor([2_000, 2_000, 2_000, 2_000])


def drawn(change, *arguments):
    torch.manual_seed(5)
    return change(*arguments)


@pytest.mark.parametrize(
    ("name", "options", "front_end"),
    [
        ("gain", {"decibels": 3.0}, {"gain": 3.0}),
        ("noise", {"snr": 5.0}, {"noise": 5.0}),
        ("speed", {"share": 0.2}, {"speed": 0.2}),
    ],
)
def test_an_augmentation_of_waveforms_is_the_front_ends_own(name, options, front_end):
    expected = drawn(lambda: augment_waveform(WAVEFORM, LENGTHS, FrontEndOptions(**front_end)))
    found = drawn(changed(name, **options), WAVEFORM, LENGTHS)
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("name", "options", "front_end"),
    [
        ("time-masks", {"count": 3, "width": 9}, {"time_masks": 3, "time_mask_width": 9}),
        ("freq-masks", {"count": 3, "width": 4}, {"freq_masks": 3, "freq_mask_width": 4}),
        ("spectrogram-noise", {"deviation": 0.3}, {"random_noise": 0.3}),
    ],
)
def test_an_augmentation_of_spectrograms_is_the_front_ends_own(name, options, front_end):
    features = torch.randn(3, 20, 40)
    expected = drawn(lambda: augment_features(features, None, FrontEndOptions(**front_end)))
    assert torch.equal(drawn(changed(name, **options), features, None), expected)


def test_mixup_adds_a_share_of_another_clip_and_remembers_whose_target_that_has():
    waveform = torch.eye(6)
    batch = Batch(waveform, torch.arange(1, 7), torch.arange(6), torch.arange(6))
    mixed = drawn(changed("mixup", alpha=1.0), batch)
    share, partner = mixed.mixed.share, mixed.mixed.targets
    assert sorted(partner.tolist()) == list(range(6))
    torch.testing.assert_close(mixed.waveform, share * waveform + (1 - share) * waveform[partner])
    assert mixed.lengths.tolist() == torch.maximum(batch.lengths, batch.lengths[partner]).tolist()
    assert torch.equal(mixed.targets, batch.targets)


def test_shares_of_mixup_follow_the_beta_distribution():
    batch = Batch(torch.zeros(2, 1), None, torch.arange(2), torch.arange(2))
    mix = changed("mixup", alpha=0.4)
    torch.manual_seed(0)
    shares = [mix(batch).mixed.share for _ in range(400)]
    assert kstest(shares, beta(0.4, 0.4).cdf).pvalue > 0.01
