"""The training loop: determinism, schedules, the best epoch, frozen parts."""

import copy
import dataclasses
from dataclasses import replace

import pytest
import torch
from torch import nn

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError, TrainingError
from emonet_bench.metrics.choice import choose_metric
from emonet_bench.networks import build_classifier, parameter_groups
from emonet_bench.plugins.loading import Plugins
from emonet_bench.training.loop import constant_names, copied, train, train_mode
from emonet_bench.training.prediction import embed, predict
from emonet_bench.types import ParameterGroup, Plan
from tests.toys import Toy, toy_clips, toy_set
from tests.training.test_step import stepper_of

RECIPE = Training(
    epochs=6, batch_size=8, window=0.3, learning_rate=0.02, sampling_rate=1_000, device="cpu", precision="float32"
)
TRAIN, DEV = toy_clips(seed=1), toy_clips(seed=2)


def toy_plan(seed=0):
    torch.manual_seed(seed)
    whole = build_classifier(Toy(), [toy_set(TRAIN)])
    return Plan(whole, [ParameterGroup(list(whole.parameters()))])


def run(recipe=RECIPE, seed=0, plan=None):
    plan = plan or toy_plan(seed)
    epochs = []
    best = train(plan, {"toy": TRAIN}, {"toy": DEV}, recipe, seed, epochs.append)
    return plan, epochs, best


def test_two_equal_trainings_are_equal_to_the_last_digit():
    (first, epochs, _), (second, again, _) = run(), run()
    assert [(e.loss, e.dev_score) for e in epochs] == [(e.loss, e.dev_score) for e in again]
    for name, tensor in first.classifier.state_dict().items():
        assert torch.equal(tensor, second.classifier.state_dict()[name])


def test_another_seed_gives_another_training():
    assert run(seed=0)[1][0].loss != run(seed=1)[1][0].loss


def test_training_learns_to_tell_loud_from_soft():
    plan, epochs, _ = run()
    assert epochs[-1].loss < epochs[0].loss
    probabilities = predict(plan.classifier, DEV, RECIPE)
    assert (probabilities.argmax(-1) == DEV.targets).float().mean() > 0.9


@pytest.mark.parametrize("name", ["macro_f1", "ece", "uar:low"])
def test_any_metric_selects_on_dev_in_its_direction(name):
    chosen = choose_metric(name, Plugins(corpora=False).metrics, "training.selection")
    plan, epochs = toy_plan(), []
    best = train(plan, {"toy": TRAIN}, {"toy": replace(DEV, selection=chosen)}, RECIPE, 0, epochs.append)
    assert best == max(epochs, key=lambda e: (chosen.rank(e.dev_score), -e.epoch)).epoch
    assert {epoch.selection for epoch in epochs} == {name}
    predicted = predict(plan.classifier, DEV, RECIPE).double().numpy()
    assert chosen.score(DEV.targets.numpy(), predicted, DEV.labels) == pytest.approx(epochs[best - 1].dev_score)


def test_the_best_epoch_on_dev_is_kept_with_its_weights():
    plan, epochs, best = run()
    assert best == max(epochs, key=lambda e: (e.dev_score, -e.epoch)).epoch
    probabilities = predict(plan.classifier, DEV, RECIPE)
    hits = probabilities.argmax(-1) == DEV.targets
    recalls = [hits[DEV.targets == label].float().mean() for label in range(2)]
    assert torch.stack(recalls).mean().item() == pytest.approx(epochs[best - 1].dev_score)


def test_the_cosine_schedule_warms_up_and_ends_at_zero():
    rates = [epoch.learning_rate for epoch in run(RECIPE.model_copy(update={"epochs": 10}))[1]]
    assert max(rates) <= 0.02
    assert rates[0] > rates[-1]
    assert rates[-1] == pytest.approx(0, abs=1e-3)


def test_the_three_stages_divide_the_learning_rate_by_ten():
    recipe = RECIPE.model_copy(update={"schedule": "stages", "patience": 2, "epochs": 40, "optimizer": "sgd"})
    rates = [epoch.learning_rate for epoch in run(recipe)[1]]
    assert sorted({round(rate, 6) for rate in rates}, reverse=True) == [0.02, 0.002, 0.0002]


def test_a_stage_ends_after_the_patience_without_a_gain():
    plan = toy_plan()
    plan.classifier.requires_grad_(requires_grad=False)  # nothing learns, so nothing gains
    for parameter in plan.classifier.heads.parameters():
        parameter.requires_grad_()
    frozen = Plan(plan.classifier, [ParameterGroup([p for p in plan.classifier.parameters() if p.requires_grad])])
    recipe = RECIPE.model_copy(
        update={"schedule": "stages", "patience": 3, "epochs": 40, "optimizer": "sgd", "learning_rate": 1e-12}
    )
    _, epochs, _ = run(recipe, plan=frozen)
    assert len(epochs) <= 4 + 3 + 3


def test_a_loss_that_is_not_finite_fails_with_the_epoch():
    plan = toy_plan()
    with torch.no_grad():
        plan.classifier.network.dense.weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match="nan in epoch 1"):
        run(plan=plan)


def test_a_network_that_its_last_step_made_nan_does_not_finish():
    plan = toy_plan()
    plan.classifier.network.dense.weight.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(TrainingError, match=r"scores are not finite .*lower training.learning_rate"):
        run(RECIPE.model_copy(update={"epochs": 1, "steps_per_epoch": 1}), plan=plan)


def test_training_clips_of_one_label_are_refused_with_the_remedy():
    one = TRAIN.select(range(0, 40, 2))
    with pytest.raises(TrainingError, match="all training clips have one label; use a protocol or a limit"):
        train(toy_plan(), {"toy": one}, {"toy": DEV}, RECIPE, 0)


def pulled(plan, towards):
    """A penalty that draws embeddings to a point, and keeps what it was given."""
    seen = []

    def penalty(batch, embedding, logits):
        seen.append((batch.index.tolist(), tuple(embedding.shape), tuple(logits.shape)))
        return (embedding - towards).square().mean()

    return dataclasses.replace(plan, penalty=penalty), seen


def test_a_penalty_is_given_the_batch_its_embedding_and_logits_and_moves_the_weights():
    plan, seen = pulled(toy_plan(), 3.0)
    run(plan=plan)
    without = run()[0]
    means = [embed(one.classifier, DEV, RECIPE).mean() for one in (plan, without)]
    assert abs(means[0] - 3) < abs(means[1] - 3)
    assert sorted(index for indices, *_ in seen[:5] for index in indices) == list(range(40))
    assert seen[0][1:] == ((8, 8), (8, 2))


def test_the_plan_is_told_of_each_epoch_before_it_and_of_what_came_of_the_others():
    told = []
    plan = dataclasses.replace(toy_plan(), on_epoch=lambda epoch, history: told.append((epoch, history)))
    _, epochs, _ = run(plan=plan)
    assert [epoch for epoch, _ in told] == [1, 2, 3, 4, 5, 6]
    assert list(told[4][1]) == epochs[:4]


@pytest.mark.parametrize("last", [1, 4])
def test_a_plan_that_changes_with_its_epochs_is_resumed_to_the_last_bit(tmp_path, last):
    def changing():
        scale = {}

        def on_epoch(epoch, history):
            scale["now"] = epoch * (1 + sum(one.loss for one in history))

        def penalty(batch, embedding, logits):
            return 0.01 * scale["now"] * embedding.square().mean()

        return dataclasses.replace(toy_plan(), on_epoch=on_epoch, penalty=penalty)

    def kill(epoch):
        if epoch.epoch == last + 1:
            raise Killed

    whole, epochs, _ = run(plan=changing())
    with pytest.raises(Killed):
        train(changing(), {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0, kill, tmp_path, save_seconds=-1)
    plan, later = changing(), []
    train(plan, {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0, later.append, tmp_path)
    assert [e.loss for e in later] == [e.loss for e in epochs[last:]]
    for name, tensor in whole.classifier.state_dict().items():
        assert torch.equal(tensor, plan.classifier.state_dict()[name]), name


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_a_group_moves_at_its_own_rate(optimiser):
    moved = {}
    for rate in (1.0, 0.1):
        plan = toy_plan()
        network, heads = list(plan.classifier.network.parameters()), list(plan.classifier.heads.parameters())
        plan = Plan(plan.classifier, [ParameterGroup(network, 0.0, rate), ParameterGroup(heads, 0.0)])
        before = plan.classifier.network.dense.weight.detach().clone()
        stepper = stepper_of(plan, TRAIN, RECIPE.model_copy(update={"optimizer": optimiser}), 0.01)
        stepper.step("toy", TRAIN.whole(torch.arange(8)), 0.01)
        moved[rate] = (plan.classifier.network.dense.weight - before).abs().max().item()
        assert [group["lr"] for group in stepper.optimizer.param_groups] == [0.01 * rate, 0.01]
    assert moved[0.1] == pytest.approx(moved[1.0] / 10, rel=1e-3)


class Layered(Toy):
    """The toy, of two layers."""

    def ordered_layers(self):
        return [nn.ModuleList([self.dense, self.norm]), self.pool]


def test_with_a_layer_decay_the_lower_layers_hardly_move_and_the_head_learns():
    torch.manual_seed(0)
    whole = build_classifier(Layered(), [toy_set(TRAIN)])
    before = copy.deepcopy(whole)
    run(
        RECIPE.model_copy(update={"layer_decay": 0.01, "epochs": 1}),
        plan=Plan(whole, parameter_groups(whole.parameters())),
    )
    parts = {"first": "network.dense.weight", "second": "network.pool.weight"}
    parts["head"] = next(name for name, _ in whole.heads.named_parameters("heads") if name.endswith("weight"))
    moved = {
        part: (whole.get_parameter(name) - before.get_parameter(name)).abs().max().item()
        for part, name in parts.items()
    }
    assert 0 < moved["first"] < moved["second"] / 10
    assert 0 < moved["second"] < moved["head"] / 10


def test_groups_with_rates_are_resumed_to_the_last_bit(tmp_path):
    def rated():
        plan = toy_plan()
        network, heads = list(plan.classifier.network.parameters()), list(plan.classifier.heads.parameters())
        return Plan(plan.classifier, [ParameterGroup(network, rate=0.1), ParameterGroup(heads)])

    def kill(epoch):
        if epoch.epoch == 3:
            raise Killed

    whole, epochs, _ = run(plan=rated())
    with pytest.raises(Killed):
        train(rated(), {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0, kill, tmp_path, save_seconds=-1)
    plan = rated()
    train(plan, {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0, directory=tmp_path)
    for name, tensor in whole.classifier.state_dict().items():
        assert torch.equal(tensor, plan.classifier.state_dict()[name]), name
    assert [e.learning_rate for e in epochs] == [e.learning_rate for e in run()[1]]  # the recipe's own is told


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_no_factor_is_refused(rate):
    with pytest.raises(ConfigError, match=r"ParameterGroup\.rate"):
        ParameterGroup([], rate=rate)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_frozen_batch_norms_keep_their_statistics_in_training(precision):
    plan = toy_plan()
    plan.classifier.network.requires_grad_(requires_grad=False)
    heads = Plan(plan.classifier, [ParameterGroup(list(plan.classifier.heads.parameters()))])
    before = copy.deepcopy(plan.classifier.network.state_dict())
    run(RECIPE.model_copy(update={"precision": precision}), plan=heads)
    for name, tensor in plan.classifier.network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    train_mode(plan.classifier)
    assert not plan.classifier.network.norm.training
    assert plan.classifier.heads.active.norm.training


def test_two_corpora_are_trained_in_turn_each_with_its_own_head():
    other = toy_clips(count=12, labels=("a", "b", "c"), seed=3)
    torch.manual_seed(0)
    whole = build_classifier(Toy(), [toy_set(TRAIN), toy_set(other, "other")])
    before = copy.deepcopy(whole.heads.state_dict())
    plan = Plan(whole, [ParameterGroup(list(whole.parameters()))])
    clips = {"toy": TRAIN, "other": other}
    epochs = []
    train(plan, clips, clips, RECIPE.model_copy(update={"epochs": 2, "steps_per_epoch": 3}), 0, epochs.append)
    moved = {name for name, tensor in whole.heads.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {name.split(".")[1] for name in moved} == {"for_toy", "for_other"}
    assert len(epochs) == 2


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 6},
        {"epochs": 30, "schedule": "stages", "patience": 2, "optimizer": "sgd"},
        {"epochs": 4, "optimizer": "adadelta"},
        {"epochs": 4, "optimizer": "rmsprop"},
        {"epochs": 4, "precision": "bfloat16"},
    ],
)
@pytest.mark.parametrize("last", [1, 3])
def test_a_killed_training_goes_on_to_the_same_result(tmp_path, monkeypatch, changes, last):
    monkeypatch.setattr("emonet_bench.training.loop.SAVE_SECONDS", -1.0)
    recipe = RECIPE.model_copy(update=changes)
    whole, epochs, best = run(recipe)

    def kill(epoch):
        if epoch.epoch == last + 1:
            raise Killed

    with pytest.raises(Killed):
        train(toy_plan(), {"toy": TRAIN}, {"toy": DEV}, recipe, 0, kill, tmp_path)
    plan, later = toy_plan(seed=99), []  # other initial weights: everything must come from the state
    assert train(plan, {"toy": TRAIN}, {"toy": DEV}, recipe, 0, later.append, tmp_path) == best
    assert [(e.epoch, e.loss, e.dev_score) for e in later] == [(e.epoch, e.loss, e.dev_score) for e in epochs[last:]]
    for name, tensor in whole.classifier.state_dict().items():
        assert torch.equal(tensor, plan.classifier.state_dict()[name]), name


def test_a_damaged_state_means_a_fresh_start(tmp_path):
    (tmp_path / "state.safetensors").write_bytes(b"half of a sta")
    plan, epochs = toy_plan(), []
    train(plan, {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0, epochs.append, tmp_path)
    assert [e.loss for e in epochs] == [e.loss for e in run()[1]]


def test_predictions_come_in_the_order_of_the_clips():
    plan = toy_plan()
    whole = predict(plan.classifier, DEV, RECIPE)
    for i in (0, 17, 39):
        alone = predict(plan.classifier, DEV.select([i]), RECIPE)
        assert torch.allclose(whole[i], alone[0], atol=1e-6)


def forward_with_room_for(clips, monkeypatch, failures):
    forward = Toy.embed

    def scarce(self, waveform, lengths):
        if self.training and len(waveform) > clips:
            failures.append(len(waveform))
            raise torch.OutOfMemoryError
        return forward(self, waveform, lengths)

    monkeypatch.setattr(Toy, "embed", scarce)


def test_a_batch_that_does_not_fit_is_halved_until_it_does_and_the_state_remembers(tmp_path, monkeypatch):
    monkeypatch.setattr("emonet_bench.training.loop.SAVE_SECONDS", -1.0)
    failures, notes = [], {}
    forward_with_room_for(2, monkeypatch, failures)
    recipe = RECIPE.model_copy(update={"epochs": 2})
    train(toy_plan(), {"toy": TRAIN}, {"toy": DEV}, recipe, 0, directory=tmp_path, notes=notes)
    assert failures == [8, 4]
    assert "in 4 pieces" in notes["halved_batch"]
    later = RECIPE.model_copy(update={"epochs": 3})
    train(toy_plan(), {"toy": TRAIN}, {"toy": DEV}, later, 0, directory=tmp_path)
    assert failures == [8, 4]


def test_a_copy_of_weights_takes_the_memory_of_the_former_one_and_shares_none_with_the_network():
    layer = torch.nn.Linear(3, 2)
    first = copied(layer.state_dict(), {}, frozenset())
    places = {name: tensor.data_ptr() for name, tensor in first.items()}
    torch.nn.init.normal_(layer.weight)
    resized = {**layer.state_dict(), "bias": torch.ones(5)}
    second = copied(resized, first, frozenset())
    assert torch.equal(second["weight"], layer.weight)
    assert torch.equal(second["bias"], torch.ones(5))
    assert second["weight"].data_ptr() == places["weight"] != layer.weight.data_ptr()
    assert not second["weight"].requires_grad
    third = copied(layer.state_dict(), second, frozenset({"weight"}))
    assert third["weight"].data_ptr() == layer.weight.data_ptr()
    assert third["bias"].data_ptr() != layer.bias.data_ptr()


def frozen_toy_plan(**hooks):
    plan = toy_plan()
    network, heads = plan.classifier.network, plan.classifier.heads
    network.requires_grad_(requires_grad=False)
    return replace(plan, groups=[ParameterGroup(list(heads.parameters()))], **hooks)


def test_only_frozen_parameters_that_nothing_moves_are_constant():
    frozen = {f"network.{name}" for name, _ in frozen_toy_plan().classifier.network.named_parameters()}
    assert frozen
    assert constant_names(frozen_toy_plan()) == frozen
    assert constant_names(toy_plan()) == set()
    assert constant_names(frozen_toy_plan(on_epoch=lambda *_: None)) == set()
    assert constant_names(frozen_toy_plan(penalty=lambda *_: torch.zeros(()))) == set()


def test_a_frozen_network_under_a_head_ends_as_if_all_of_it_had_been_copied(tmp_path):
    plain, hooked = frozen_toy_plan(), frozen_toy_plan(on_epoch=lambda *_: None)
    before = {name: tensor.clone() for name, tensor in plain.classifier.network.state_dict().items()}
    for plan, directory in ((plain, None), (hooked, tmp_path)):
        train(plan, {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0, directory=directory)
    for name, tensor in hooked.classifier.state_dict().items():
        assert torch.equal(plain.classifier.state_dict()[name], tensor)
    for name, parameter in plain.classifier.network.named_parameters():
        assert torch.equal(parameter, before[name])


def test_unlabelled_corpora_give_a_batch_in_turn_in_every_step():
    seen = []

    def penalty(batch, embedding, _):
        seen.append((batch.corpus, len(batch.targets)))
        return embedding.square().mean()

    plan = dataclasses.replace(toy_plan(), penalty=penalty)
    others = {"two": toy_clips(9, seed=3), "three": toy_clips(16, seed=4)}
    recipe = RECIPE.model_copy(update={"epochs": 1, "steps_per_epoch": 4})
    train(plan, {"toy": TRAIN}, {"toy": DEV}, recipe, 0, unlabelled=others)
    assert [name for name, _ in seen] == ["toy", "two", "toy", "three", "toy", "two", "toy", "three"]
    assert {count for _, count in seen} <= {8, 9}


def test_a_training_with_unlabelled_clips_resumes_to_the_same_bits(tmp_path):
    def plan():
        return dataclasses.replace(toy_plan(), penalty=lambda _, embedding, __: embedding.square().mean())

    others = {"two": toy_clips(16, seed=3)}

    class Stopped(Exception):  # noqa: N818 - no error
        pass

    def stop(epoch):
        if epoch.epoch == 3:
            raise Stopped

    whole, resumed = plan(), plan()
    train(whole, {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0, unlabelled=others)
    with pytest.raises(Stopped):
        train(plan(), {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0, stop, tmp_path, save_seconds=-1.0, unlabelled=others)
    train(resumed, {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0, lambda _: None, tmp_path, unlabelled=others)
    for name, tensor in whole.classifier.state_dict().items():
        assert torch.equal(tensor, resumed.classifier.state_dict()[name]), name
