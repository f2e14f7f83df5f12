"""Frozen features in a training: kept or computed anew, the numbers are the same to the last digit."""

import re

import pytest
import torch

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError
from emonet_bench.networks import build_classifier, parameter_groups
from emonet_bench.training.features import attach_features, feature_use
from emonet_bench.training.loop import train
from emonet_bench.training.prediction import embed, predict
from emonet_bench.types import Plan
from tests.toys import FrozenToy, Toy, toy_clips, toy_set

RECIPE = Training(
    epochs=3, batch_size=8, window=None, learning_rate=0.02, sampling_rate=1_000, device="cpu", precision="float32"
)
CLIPS = {"toy": {"train": toy_clips(seed=1), "dev": toy_clips(12, seed=2), "test": toy_clips(13, seed=3)}}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_FEATURES_DIR", str(tmp_path))
    return tmp_path


def plan_of(seed=0, network=FrozenToy, **options):
    torch.manual_seed(seed)
    whole = build_classifier(network(**options), [toy_set(CLIPS["toy"]["train"])])
    return Plan(whole, parameter_groups(p for p in whole.parameters() if p.requires_grad))


def trained(recipe, **options):
    plan, epochs = plan_of(**options), []
    clips, notes = attach_features(plan.classifier, CLIPS, recipe, fitted=False)
    train(plan, {"toy": clips["toy"]["train"]}, {"toy": clips["toy"]["dev"]}, recipe, 0, epochs.append)
    probabilities = predict(plan.classifier, clips["toy"]["test"], recipe)
    return plan.classifier, [(e.loss, e.dev_score) for e in epochs], probabilities, notes


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("rows", [False, True])
def test_kept_features_train_what_computed_ones_train_to_the_last_digit(rows, precision):
    recipe = RECIPE.model_copy(update={"precision": precision})
    kept = trained(recipe, rows=rows)
    again = trained(recipe, rows=rows)
    computed = trained(recipe.model_copy(update={"features": "off"}), rows=rows)
    for other in (again, computed):
        assert kept[1] == other[1]
        assert torch.equal(kept[2], other[2])
        for name, tensor in kept[0].state_dict().items():
            assert torch.equal(tensor, other[0].state_dict()[name]), name
    assert kept[0].network.computed == 65  # every clip once
    assert again[0].network.computed == 0


@pytest.mark.parametrize("rows", [False, True])
def test_features_embed_what_waveforms_embed(rows):
    classifier = plan_of(rows=rows).classifier
    clips, _ = attach_features(classifier, CLIPS, RECIPE, fitted=False)
    for part in ("train", "dev", "test"):
        direct = embed(classifier, CLIPS["toy"][part], RECIPE)
        torch.testing.assert_close(embed(classifier, clips["toy"][part], RECIPE), direct, atol=1e-5, rtol=0)


def test_float16_is_within_a_thousandth(folder):
    classifier = plan_of().classifier
    clips, _ = attach_features(classifier, CLIPS, RECIPE.model_copy(update={"features": "float16"}), fitted=False)
    direct = embed(classifier, CLIPS["toy"]["dev"], RECIPE)
    torch.testing.assert_close(embed(classifier, clips["toy"]["dev"], RECIPE), direct, atol=1e-3, rtol=0)
    (path,) = {path.parent for path in folder.rglob("*.safetensors")}
    assert '"float16"' in (path / "about.json").read_text()


def test_other_heads_seeds_and_folds_share_what_is_kept():
    first = plan_of().classifier
    attach_features(first, CLIPS, RECIPE, fitted=False)
    other = plan_of(seed=5).classifier
    other.network.backbone.load_state_dict(first.network.backbone.state_dict())
    turned = {"toy": {"train": CLIPS["toy"]["test"], "dev": CLIPS["toy"]["train"], "test": CLIPS["toy"]["dev"]}}
    attach_features(other, turned, RECIPE, fitted=True)
    assert (first.network.computed, other.network.computed) == (65, 0)


def test_other_frozen_weights_meet_no_kept_features():
    first, other = plan_of().classifier, plan_of().classifier
    with torch.no_grad():
        other.network.backbone.bias[0] += 1e-6
    for classifier in (first, other):
        attach_features(classifier, CLIPS, RECIPE, fitted=False)
    assert (first.network.computed, other.network.computed) == (65, 65)


def test_other_audio_meets_no_kept_features_though_its_clip_has_the_same_name():
    classifier = plan_of().classifier
    attach_features(classifier, CLIPS, RECIPE, fitted=False)
    changed = {"toy": {**CLIPS["toy"], "dev": toy_clips(12, seed=9)}}
    attach_features(classifier, changed, RECIPE, fitted=False)
    assert classifier.network.computed == 65 + 12


def test_training_mode_is_as_before_when_features_were_computed():
    classifier = plan_of().classifier.train()
    classifier.network.backbone.eval()
    before = {name: module.training for name, module in classifier.named_modules()}
    attach_features(classifier, CLIPS, RECIPE, fitted=False)
    assert {name: module.training for name, module in classifier.named_modules()} == before


def test_crops_are_heard_anew_and_the_clips_of_dev_and_test_are_kept(folder):
    recipe = RECIPE.model_copy(update={"window": 0.3})
    classifier = plan_of().classifier
    clips, notes = attach_features(classifier, CLIPS, recipe, fitted=False)
    assert [part for part, own in clips["toy"].items() if own.features is not None] == ["dev", "test"]
    assert "training.window cuts crops" in notes["features"]


def test_where_nothing_is_heard_as_a_whole_nothing_is_kept(folder):
    recipe = RECIPE.model_copy(update={"window": 0.3, "evaluation": "windows"})
    clips, _ = attach_features(plan_of().classifier, CLIPS, recipe, fitted=False)
    assert all(own.features is None for own in clips["toy"].values())
    assert not list(folder.iterdir())


def test_a_fitted_architecture_hears_whole_clips_whatever_the_window():
    recipe = RECIPE.model_copy(update={"window": 0.3, "evaluation": "windows"})
    clips, notes = attach_features(plan_of().classifier, CLIPS, recipe, fitted=True)
    assert [part for part, own in clips["toy"].items() if own.features is not None] == ["train", "dev"]
    assert notes == {}


def test_a_network_that_trains_in_its_frozen_part_keeps_nothing_and_says_so(folder):
    classifier = plan_of().classifier
    classifier.requires_grad_()
    clips, notes = attach_features(classifier, CLIPS, RECIPE, fitted=False)
    assert clips["toy"]["train"].features is None
    assert notes["features"] == "none kept: the network trains from its first layers on"
    assert not list(folder.iterdir())


def test_a_network_without_a_frozen_part_is_left_alone():
    recipe = RECIPE.model_copy(update={"features": "float16"})
    assert feature_use(plan_of(network=Toy).classifier, recipe, fitted=False).frozen_id is None


@pytest.mark.parametrize(
    ("changes", "trainable", "told"),
    [
        ({}, True, "training.features: 'float32' keeps what a frozen part computes, and this network trains there"),
        ({"window": 3.0}, False, "training.features: 'float32' keeps what is made of whole clips, and training.window"),
    ],
)
def test_features_that_are_asked_for_and_cannot_be_kept_are_refused_by_name(changes, trainable, told):
    classifier = plan_of().classifier
    classifier.requires_grad_(requires_grad=trainable)
    with pytest.raises(ConfigError, match=re.escape(told)):
        feature_use(classifier, RECIPE.model_copy(update={"features": "float32", **changes}), fitted=False)


def test_a_recipe_that_says_nothing_of_features_is_written_as_before():
    assert "features" not in Training().model_dump()
    assert Training(features="off").model_dump()["features"] == "off"
    assert Training(**Training(features="float16").model_dump()).features == "float16"


BUILT = {"architecture": ["toy", "1.0", {}]}
KEPT = RECIPE.model_copy(update={"features": "float32"})


def still_plan():
    plan = plan_of(network=Toy)
    plan.classifier.network.requires_grad_(requires_grad=False)
    return Plan(plan.classifier, parameter_groups(plan.classifier.heads.parameters()))


def test_a_network_that_is_frozen_as_a_whole_embeds_every_clip_once(monkeypatch):
    heard, embed_toy = [], Toy.embed
    monkeypatch.setattr(Toy, "embed", lambda self, *clip: heard.append(len(clip[0])) or embed_toy(self, *clip))
    for expected in (65, 0):  # then they are kept
        heard.clear()
        plan = still_plan()
        clips, notes = attach_features(plan.classifier, CLIPS, KEPT, fitted=False, built=BUILT)
        train(plan, {"toy": clips["toy"]["train"]}, {"toy": clips["toy"]["dev"]}, KEPT, 0)
        found = predict(plan.classifier, clips["toy"]["test"], KEPT)
        assert sum(heard) == expected
        assert notes == {}
    torch.testing.assert_close(found, predict(plan.classifier, CLIPS["toy"]["test"], KEPT), atol=1e-4, rtol=1e-4)


def test_a_network_that_a_fit_will_change_is_not_taken_for_frozen():
    assert feature_use(still_plan().classifier, KEPT, fitted=True, built=BUILT).frozen_id is None


def test_a_network_that_drops_units_in_training_is_kept_as_it_is_scored_only_where_that_is_asked_for():
    assert feature_use(still_plan().classifier, RECIPE, fitted=False, built=BUILT).frozen_id is None
    assert feature_use(still_plan().classifier, KEPT, fitted=False, built=BUILT).frozen_id
    assert feature_use(plan_of(network=Toy).classifier, KEPT, fitted=False, built=BUILT).frozen_id is None
