"""A training step: pieces of a batch add up to the batch, and memory that runs out is met with smaller pieces."""

import dataclasses

import pytest
import torch

from emonet_bench.config import Training
from emonet_bench.errors import PluginError, TrainingError
from emonet_bench.networks import build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.testing import signals
from emonet_bench.training.batches import endless_batches
from emonet_bench.training.loop import train_mode
from emonet_bench.training.losses import criterion_of
from emonet_bench.training.methods import methods_of
from emonet_bench.training.resume import TrainingProgress
from emonet_bench.training.step import Stepper, autocast
from emonet_bench.types import InputSpec, ParameterGroup, Plan, TrainingSet
from tests.toys import Toy, toy_clips, toy_set

RECIPE = Training(batch_size=8, window=0.3, optimizer="sgd", sampling_rate=1_000, device="cpu", precision="float32")
TRAIN = toy_clips(seed=1)


def toy_plan():
    torch.manual_seed(0)
    whole = build_classifier(Toy(), [toy_set(TRAIN)])
    return Plan(whole, [ParameterGroup(list(whole.parameters()))])


def stepper_of(plan, clips=TRAIN, recipe=RECIPE, rate=0.1):
    methods = methods_of(recipe)
    criteria = {"toy": criterion_of(methods.loss, recipe, clips.targets, clips.labels)}
    stepper = Stepper(plan, criteria, recipe, TrainingProgress())
    stepper.optimizer = methods.optimizer(plan.groups, rate)
    return stepper


def room_for(clips, monkeypatch):
    """Let the network run out of memory with more clips at once; returns the sizes with which it did."""
    embed, failures = Toy.embed, []

    def scarce(self, waveform, lengths):
        if len(waveform) > clips:
            failures.append(len(waveform))
            raise torch.OutOfMemoryError
        return embed(self, waveform, lengths)

    monkeypatch.setattr(Toy, "embed", scarce)
    return failures


@pytest.mark.parametrize("loss", ["crossentropy", "focal", "ordinal"])
@pytest.mark.parametrize("balanced", [False, True])
def test_a_batch_in_pieces_has_the_gradient_of_the_whole(balanced, loss):
    recipe = RECIPE.model_copy(update={"balanced_weights": balanced, "loss": loss, "optimizer": "sgd"})
    uneven = TRAIN.select([*range(0, 40, 2), 1, 3, 5])  # of one label far more than of the other
    batch = uneven.whole(torch.tensor([0, 1, 2, 3, 4, 20, 21]))
    found = []
    for count in (1, 2, 3):
        stepper = stepper_of(toy_plan(), uneven, recipe, 0.1)
        stepper.plan.classifier.eval()  # batch norms and dropout see the batch as a whole only when it is one
        stepper.progress.micro_batches = count
        loss = stepper.gradients("toy", batch)
        found.append((loss, [p.grad.clone() for p in stepper.plan.classifier.parameters() if p.grad is not None]))
    for loss, gradients in found[1:]:
        assert torch.allclose(loss, found[0][0])
        for gradient, whole in zip(gradients, found[0][1], strict=True):
            assert torch.allclose(gradient, whole, atol=1e-6)


def installed_networks():
    found = Plugins(Selection(strict=True)).architectures
    return [name for name in found if found[name].fit is None]


@pytest.mark.gpu
@pytest.mark.parametrize("window", [0.5, None])
@pytest.mark.parametrize("name", installed_networks())
def test_no_step_waits_for_the_gpu(name, window):
    architecture, input_spec = Plugins(Selection(strict=True)).architectures[name], InputSpec(window=8_000)
    clips = signals.clips(input_spec, seed=0).to(torch.device("cuda"))
    recipe = Training(batch_size=8, window=window, device="cuda", precision="bfloat16")
    whole = build_classifier(
        architecture.build(architecture.options(), input_spec), [TrainingSet("toy", clips.labels, 18)]
    )
    plan = Plan(whole.to("cuda"), [ParameterGroup(list(whole.parameters()))])
    stepper = stepper_of(plan, clips, recipe, 1e-3)
    batches = endless_batches(clips, recipe)
    train_mode(whole)
    stepper.step("toy", next(batches), 1e-3)  # the first makes what is made once
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses = [stepper.step("toy", next(batches), 1e-3) for _ in range(4)]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.stack(losses).isfinite().all()


def test_a_penalty_weighs_the_same_in_pieces_of_a_batch():
    batch, found = TRAIN.whole(torch.arange(7)), []
    for count in (1, 3):
        plan = dataclasses.replace(toy_plan(), penalty=lambda _, embedding, logits: (embedding - 3).square().mean())
        stepper = stepper_of(plan)
        plan.classifier.eval()
        stepper.progress.micro_batches = count
        found.append(stepper.gradients("toy", batch))
    assert torch.allclose(*found)


def test_a_step_moves_weights_against_their_gradient_at_the_rate_that_it_is_given():
    recipe = RECIPE.model_copy(update={"weight_decay": 0.0})
    stepper = stepper_of(toy_plan(), recipe=recipe, rate=5.0)
    weight = stepper.plan.classifier.network.pool.weight
    before = weight.detach().clone()
    loss = stepper.step("toy", TRAIN.whole(torch.arange(8)), 0.01)
    torch.testing.assert_close(weight.detach(), before - 0.01 * weight.grad)
    assert not loss.requires_grad


def test_gradients_of_the_step_before_are_forgotten():
    stepper, batch = stepper_of(toy_plan()), TRAIN.whole(torch.arange(8))
    weight = stepper.plan.classifier.eval().network.pool.weight
    stepper.gradients("toy", batch)
    first = weight.grad.clone()
    stepper.gradients("toy", batch)
    torch.testing.assert_close(weight.grad, first)


def test_a_batch_that_does_not_fit_is_halved_until_it_does_and_so_are_later_ones(monkeypatch, caplog):
    failures, stepper = room_for(2, monkeypatch), stepper_of(toy_plan())
    for _ in range(2):
        stepper.step("toy", TRAIN.whole(torch.arange(8)), 0.1)
    assert (failures, stepper.progress.micro_batches) == ([8, 4], 4)
    assert "batches are run in 4 pieces from here on" in caplog.text


def test_a_clip_too_large_for_the_gpu_fails_with_the_remedy(monkeypatch):
    room_for(1, monkeypatch)
    stepper = stepper_of(toy_plan())
    stepper.progress.epoch = 3
    with pytest.raises(TrainingError, match="out of GPU memory with 2 clips at once, in epoch 3; shorten training"):
        stepper.step("toy", TRAIN.whole(torch.arange(8)), 0.1)


@pytest.mark.parametrize(("precision", "expected"), [("bfloat16", torch.bfloat16), ("float32", torch.float32)])
def test_the_recipe_says_in_which_precision_products_are_taken(precision, expected):
    with autocast(RECIPE.model_copy(update={"precision": precision})):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == expected


def test_unlabelled_clips_teach_by_the_penalty_alone_and_move_no_running_statistics():
    plan = dataclasses.replace(toy_plan(), penalty=lambda _, embedding, logits: (embedding - 3).square().mean())
    stepper = stepper_of(plan)
    train_mode(plan.classifier)
    before = {name: tensor.clone() for name, tensor in plan.classifier.state_dict().items()}
    loss = stepper.unlabelled_step(TRAIN.whole(torch.arange(8)), 0.01)
    after = plan.classifier.state_dict()
    moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert "network.dense.weight" in moved
    assert not any("running" in name or "tracked" in name or name.startswith("heads") for name in moved)
    with torch.no_grad():
        plan.classifier.load_state_dict(before)
        batch = TRAIN.whole(torch.arange(8))
        expected = (plan.classifier.network.embed(batch.waveform, batch.lengths) - 3).square().mean()
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize(
    ("penalty", "said"),
    [
        (lambda batch, embedding, logits: embedding.square().mean(1), r"got \(8,\) with one"),
        (lambda batch, embedding, logits: embedding.mean().detach(), r"got \(\) without one"),
    ],
)
def test_what_is_minimised_must_be_one_number_with_a_gradient(penalty, said):
    plan = dataclasses.replace(toy_plan(), penalty=penalty)
    stepper = stepper_of(plan)
    with pytest.raises(PluginError, match=said):
        stepper.gradients(None, TRAIN.whole(torch.arange(8)))
