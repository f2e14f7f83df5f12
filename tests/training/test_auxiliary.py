"""Auxiliary targets: their losses are added by their weights, clips that say nothing of them count for nothing."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from emonet_bench.config import Training, parse
from emonet_bench.data.dataset import AuxiliaryTarget
from emonet_bench.errors import ConfigError, TrainingError
from emonet_bench.networks import build_classifier
from emonet_bench.training.auxiliary import auxiliary_heads
from emonet_bench.training.loop import train
from emonet_bench.training.losses import criterion_of
from emonet_bench.training.methods import methods_of
from emonet_bench.types import ParameterGroup, Plan, Target
from tests.toys import Toy, toy_clips, toy_set

LEVEL = Target("level", "values", ("loudness",), ((1, 7),))
WHO = Target("label", "label", ("a", "b", "c"))
RECIPE = Training(
    epochs=4,
    batch_size=8,
    learning_rate=0.02,
    window=0.3,
    sampling_rate=1_000,
    device="cpu",
    precision="float32",
    auxiliary={"level": 0.5},
)


def beside(clips, *rows):
    return replace(clips, auxiliary=tuple(AuxiliaryTarget(target, vectors) for target, vectors in rows))


def level(clips, *, known=None):
    """The label's place on a scale, with a little noise; NaN from some clip on."""
    noise = torch.rand(len(clips), 1, generator=torch.Generator().manual_seed(0))
    vectors = clips.targets[:, None] * 1.2 - 0.6 + 0.2 * noise
    vectors[known:] = torch.nan if known is not None else vectors[known:]
    return LEVEL, vectors


def who(clips):
    return WHO, nn.functional.one_hot(torch.arange(len(clips)) % 3, 3).float()


def plan_of(seed=0, **facts):
    torch.manual_seed(seed)
    classifier = build_classifier(Toy(), [toy_set(toy_clips())])
    return Plan(classifier, [ParameterGroup(list(classifier.parameters()))], **facts)


def batch_loss(plan, clips, recipe, index):
    batch = replace(clips.whole(torch.tensor(index)), corpus="toy")
    embedding = torch.randn(len(index), 8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(2)
    return embedding, plan.penalty(batch, embedding, torch.zeros(len(index), 2))


def test_the_losses_of_known_clips_are_added_by_their_weights():
    recipe = RECIPE.model_copy(update={"auxiliary": {"level": 0.5, "label": 2.0}, "auxiliary_losses": {"level": "mse"}})
    made = toy_clips()
    clips = beside(made, level(made, known=30), who(made))
    plan, methods = plan_of(penalty=lambda *_: torch.tensor(100.0)), methods_of(recipe)
    with auxiliary_heads(plan, {"toy": clips}, recipe, methods.auxiliary) as whole:
        index = [1, 2, 29, 30, 39]
        embedding, found = batch_loss(whole, clips, recipe, index)
        heads = [one.head for one in whole.classifier.auxiliary.active.heads]
        torch.manual_seed(2)
        first, second = (head(embedding) for head in heads)
    expected = 0.5 * nn.functional.mse_loss(first[:3], clips.auxiliary[0].vectors[index[:3]])
    weights = criterion_of(methods.loss, recipe, torch.arange(40) % 3, WHO.names).weight
    expected += 2 * nn.functional.cross_entropy(second, torch.tensor(index) % 3, weights, label_smoothing=0.1)
    torch.testing.assert_close(found, 100 + expected)


def test_a_batch_of_which_nothing_is_known_has_no_loss_and_finite_gradients():
    made = toy_clips()
    clips = beside(made, level(made, known=2))
    with auxiliary_heads(plan_of(), {"toy": clips}, RECIPE, methods_of(RECIPE).auxiliary) as whole:
        _, found = batch_loss(whole, clips, RECIPE, [5, 6, 7])
        found.backward()
        assert found == 0
        assert all(one.grad is None or one.grad.isfinite().all() for one in whole.classifier.parameters())


def test_clips_of_a_corpus_that_nothing_is_trained_for_have_no_further_loss():
    made = toy_clips()
    clips = beside(made, level(made))
    with auxiliary_heads(plan_of(), {"toy": clips}, RECIPE, methods_of(RECIPE).auxiliary) as whole:
        batch = replace(clips.whole(torch.arange(3)), corpus="other")
        assert whole.penalty(batch, torch.randn(3, 8), torch.zeros(3, 2)) == 0


def test_heads_are_there_for_training_alone_and_their_parameters_in_groups():
    plan, made = plan_of(), toy_clips()
    before = list(plan.classifier.state_dict())
    with auxiliary_heads(plan, {"toy": beside(made, level(made))}, RECIPE, methods_of(RECIPE).auxiliary) as whole:
        grouped = {parameter for group in whole.groups for parameter in group.parameters}
        assert set(whole.classifier.parameters()) == grouped
        assert len(whole.classifier.state_dict()) > len(before)
    assert list(plan.classifier.state_dict()) == before
    with auxiliary_heads(plan, {"toy": made}, Training(), {}) as same:
        assert same is plan


def trained(recipe, clips, **how):
    plan = plan_of()
    train(plan, {"toy": clips}, {"toy": toy_clips(seed=1)}, recipe, 0, **how)
    return plan.classifier.state_dict()


def test_a_network_that_learns_a_target_besides_knows_it_in_its_embedding():
    made = toy_clips()
    clips = beside(made, level(made))
    alone, both = (trained(recipe, clips) for recipe in (RECIPE.model_copy(update={"auxiliary": {}}), RECIPE))
    assert alone.keys() == both.keys()
    assert any(not torch.equal(alone[name], both[name]) for name in alone)


class StopError(Exception):
    pass


def stop(epoch):
    if epoch.epoch == 2:
        raise StopError


def test_a_training_with_auxiliary_targets_resumes_to_the_same_bits(tmp_path):
    made = toy_clips()
    clips = beside(made, level(made, known=25), who(made))
    recipe = RECIPE.model_copy(update={"auxiliary": {"level": 0.5, "label": 1.0}})
    whole = trained(recipe, clips)
    with pytest.raises(StopError):
        trained(recipe, clips, directory=tmp_path, on_epoch=stop, save_seconds=-1)
    again = trained(recipe, clips, directory=tmp_path)
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_training_clips_that_say_nothing_of_a_target_are_one_line():
    made = toy_clips()
    with (
        pytest.raises(TrainingError, match="no training clip of toy has the target 'level'; leave it out"),
        auxiliary_heads(plan_of(), {"toy": beside(made, level(made, known=0))}, RECIPE, methods_of(RECIPE).auxiliary),
    ):
        pass


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"auxiliary_losses": {"level": "mse"}}, "auxiliary_losses names 'level', which auxiliary does not"),
        ({"auxiliary": {"level": 0}}, "auxiliary.level: input should be greater than 0"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(given, message):
    with pytest.raises(ConfigError, match=message):
        parse(Training, given, "training")


def test_without_auxiliary_targets_nothing_of_them_is_part_of_a_run():
    assert not [name for name in Training().model_dump() if "auxiliary" in name]
