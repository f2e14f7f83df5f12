"""Augmentations of a recipe reach waveforms, spectrograms and batches in training, and nothing else."""

import dataclasses
from contextlib import suppress
from dataclasses import replace

import pytest
import torch
from torch import nn

from emonet_bench.config import Options, Training, option
from emonet_bench.data.dataset import Batch
from emonet_bench.errors import ConfigError, PluginError, Skipped
from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.spectrogram import LogMel
from emonet_bench.networks import build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin
from emonet_bench.training.augmentation import Augmentations
from emonet_bench.training.loop import train
from emonet_bench.training.losses import criterion_of
from emonet_bench.training.methods import methods_of
from emonet_bench.training.resume import TrainingProgress
from emonet_bench.training.step import Stepper
from emonet_bench.types import Augmentation, ParameterGroup, Plan
from tests.toys import Toy, toy_clips, toy_set

CLIPS = toy_clips()
RECIPE = Training(epochs=3, batch_size=8, window=0.3, sampling_rate=1_000, device="cpu", precision="float32")


def toy_plan():
    torch.manual_seed(0)
    whole = build_classifier(Toy(), [toy_set(CLIPS)])
    return Plan(whole, [ParameterGroup(list(whole.parameters()))])


def louder(waveform, lengths):
    return waveform + 1, lengths


def test_waveforms_change_in_order_before_the_batch_and_stay_zero_past_a_clips_end():
    seen = []

    def doubled(waveform, lengths):
        return 2 * waveform, lengths

    def look(batch):
        seen.append(batch)
        return dataclasses.replace(batch, targets=batch.targets + 1)

    batch = Batch(torch.zeros(2, 3), torch.tensor([3, 1]), torch.tensor([0, 1]), torch.tensor([0, 1]))
    changed = Augmentations((("louder", louder), ("doubled", doubled)), (("look", look),)).changed(batch)
    assert seen[0].waveform.tolist() == [[2, 2, 2], [2, 0, 0]]
    assert changed.targets.tolist() == [1, 2]
    assert not batch.waveform.any(), "the clips themselves stay as they are"


def test_spectrograms_change_in_training_only():
    front_end = LogMel(FrontEndOptions(num_mels=8, n_fft=64, hop=32, f_max=500), 1_000)
    Augmentations(features=(("up", lambda features, mask: features + 1),)).install(nn.Sequential(front_end))
    waveform, lengths = torch.randn(2, 400), torch.tensor([400, 200])
    evaluated, mask = front_end.eval()(waveform, lengths)
    trained, _ = front_end.train()(waveform, lengths)
    torch.testing.assert_close(trained, (evaluated + 1) * mask)


def test_a_network_without_spectrograms_is_skipped_with_the_reason():
    with pytest.raises(Skipped, match="the augmentation masks changes spectrograms, and this network makes none"):
        Augmentations(features=(("masks", print),)).install(nn.Linear(2, 2))
    Augmentations((("louder", louder),)).install(nn.Linear(2, 2))


def mixing(recipe, clips=CLIPS):
    methods, plan = methods_of(recipe), toy_plan()
    criteria = {"toy": criterion_of(methods.loss, recipe, clips.targets, clips.labels)}
    stepper = Stepper(plan, criteria, recipe, TrainingProgress(), methods.augmentations)
    stepper.optimizer = methods.optimizer(plan.groups, 0.1)
    plan.classifier.eval()
    return stepper


@pytest.mark.parametrize("balanced", [False, True])
def test_mixed_clips_have_the_loss_of_both_targets_by_their_shares_also_in_pieces(balanced):
    uneven = CLIPS.select([*range(0, 40, 2), 1, 3, 5])
    recipe = RECIPE.model_copy(
        update={
            "balanced_weights": balanced,
            "augment": ["mixup"],
            "augmentation_options": {"mixup": {"alpha": 1.0}},
            "label_smoothing": 0.0,
        }
    )
    stepper = mixing(recipe, uneven)
    torch.manual_seed(3)
    batch = stepper.augmentations.changed(uneven.whole(torch.tensor([0, 1, 2, 3, 4, 20, 21])))
    assert 0 < batch.mixed.share < 1
    logits = stepper.plan.classifier(batch.waveform, batch.lengths)
    soft = [nn.functional.one_hot(targets, 2).float() for targets in (batch.targets, batch.mixed.targets)]
    weight = stepper.criteria["toy"].weight if balanced else torch.ones(2)
    each = [(one * weight * -logits.log_softmax(-1)).sum() / (one * weight).sum() for one in soft]
    expected = batch.mixed.share * each[0] + (1 - batch.mixed.share) * each[1]
    for pieces in (1, 2, 3):
        stepper.progress.micro_batches = pieces
        torch.testing.assert_close(stepper.gradients("toy", batch), expected.detach())


def test_mixup_mixes_votes_and_values_themselves():
    shares = torch.rand(7, 3, generator=torch.Generator().manual_seed(0))
    batch = replace(CLIPS.whole(torch.arange(7)), targets=shares / shares.sum(1, keepdim=True))
    change = methods_of(RECIPE.model_copy(update={"augment": ["mixup"]})).augmentations.changed
    torch.manual_seed(5)
    made = change(batch)
    torch.manual_seed(5)
    share = float(torch.distributions.Beta(0.2, 0.2).sample())
    partner = torch.randperm(7)
    assert made.mixed is None
    torch.testing.assert_close(made.targets, share * batch.targets + (1 - share) * batch.targets[partner])
    torch.testing.assert_close(made.waveform, share * batch.waveform + (1 - share) * batch.waveform[partner])


class KilledError(Exception):
    pass


@pytest.mark.parametrize("augment", [["gain", "noise", "speed"], ["mixup", "noise"]])
def test_an_augmented_training_goes_on_to_the_last_bit(tmp_path, augment):
    recipe = RECIPE.model_copy(update={"augment": augment})

    def kill(epoch):
        if epoch.epoch == 2:
            raise KilledError

    states = []
    for directory in (None, tmp_path):
        plan = toy_plan()
        if directory:
            with suppress(KilledError):
                train(toy_plan(), {"toy": CLIPS}, {"toy": CLIPS}, recipe, 0, kill, directory, save_seconds=-1)
        train(plan, {"toy": CLIPS}, {"toy": CLIPS}, recipe, 0, directory=directory)
        states.append(plan.classifier.state_dict())
    plain = toy_plan()
    train(plain, {"toy": CLIPS}, {"toy": CLIPS}, RECIPE, 0)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], tensor) for name, tensor in plain.classifier.state_dict().items())


def test_a_plugins_augmentation_is_built_with_its_options_and_the_sampling_rate():
    class Shift(Options):
        by: float = option(1.0, "How far.")

    def build(options, sampling_rate):
        return lambda waveform, lengths: (waveform + options.by * sampling_rate, lengths)

    plugins = Plugins(Selection(names=("builtins",)))
    plugins.augmentations.add("shift", Augmentation("shift", Shift, build), Origin("mine", "1", "mine"))
    recipe = RECIPE.model_copy(update={"augment": ["shift"], "augmentation_options": {"shift": {"by": 2}}})
    batch = Batch(torch.zeros(1, 2), None, torch.tensor([0]), torch.tensor([0]))
    assert methods_of(recipe, plugins).augmentations.changed(batch).waveform.tolist() == [[2000, 2000]]
    with pytest.raises(ConfigError, match=r"training.augment: unknown augmentation 'shft'; did you mean 'shift'"):
        methods_of(RECIPE.model_copy(update={"augment": ["shft"]}), plugins)


@pytest.mark.parametrize(
    ("on", "made", "said"),
    [
        ("waveform", lambda waveform, lengths: waveform, r"\(waveform, lengths\); got Tensor"),
        ("waveform", lambda *given: (given[0][:, :5], None), r"waveforms \(2, 10\) as it was given; got \(2, 5\)"),
        ("waveform", lambda *given: (None, None), "got NoneType"),
        ("batch", lambda batch: None, "a Batch; got NoneType"),
        ("batch", lambda batch: replace(batch, waveform=batch.waveform[:1]), r"got \(1, 10\)"),
    ],
)
def test_what_has_other_shapes_than_it_was_given_is_told_by_its_name(on, made, said):
    batch = Batch(torch.zeros(2, 10), None, torch.zeros(2, dtype=torch.int64), torch.arange(2))
    with pytest.raises(PluginError, match=f"augmentation short must return .*{said}"):
        Augmentations(**{on: (("short", made),)}).changed(batch)
