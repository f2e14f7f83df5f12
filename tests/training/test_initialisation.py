"""Where training starts, when there is a choice: the best on dev, with batch norms of the target's clips."""

import copy

import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from emonet_bench.config import Training
from emonet_bench.networks import build_classifier
from emonet_bench.training import initialisation
from emonet_bench.types import ParameterGroup, Plan
from tests.toys import Toy, toy_clips, toy_set

TRAIN, DEV = toy_clips(), toy_clips(seed=1)
RECIPE = Training(batch_size=40, sampling_rate=1_000, device="cpu", precision="float32")


@pytest.fixture
def whole():
    torch.manual_seed(0)
    return build_classifier(Toy(), [toy_set(TRAIN)])


def plan_of(whole, **offered):
    return Plan(whole, [ParameterGroup(list(whole.parameters()), None)], initialisations=offered)


def test_the_start_that_tells_the_labels_apart_on_dev_is_taken(whole):
    good = {name: tensor.clone() for name, tensor in whole.state_dict().items() if name.startswith("network.dense")}
    deaf = {name: torch.zeros_like(tensor) for name, tensor in good.items()}
    note = initialisation.select_initialisation(
        plan_of(whole, deaf=deaf, good=good), {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0
    )
    assert note.startswith("good; ")
    assert "deaf 0.500" in note
    assert torch.equal(whole.network.dense.weight, good["network.dense.weight"])


def test_the_first_of_equal_starts_is_taken(whole):
    same = {name: tensor.clone() for name, tensor in whole.state_dict().items() if name.startswith("network.dense")}
    note = initialisation.select_initialisation(
        plan_of(whole, one=same, other=same), {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0
    )
    assert note.startswith("one; ")


def test_the_note_tells_the_uar_that_scikit_learn_finds(whole):
    same = {"network.dense.bias": whole.network.dense.bias.detach().clone()}
    note = initialisation.select_initialisation(plan_of(whole, one=same), {"toy": TRAIN}, {"toy": DEV}, RECIPE, 0)
    rows = {}
    with torch.no_grad():
        for part, clips in (("train", TRAIN), ("dev", DEV)):
            batches = list(clips.in_order(len(clips)))
            rows[part] = torch.cat([whole.network.embed(b.waveform, b.lengths) for b in batches]).numpy()
            rows[f"{part} labels"] = torch.cat([b.targets for b in batches]).numpy()
    scaler = StandardScaler().fit(rows["train"])
    probe = RidgeClassifier(class_weight="balanced").fit(scaler.transform(rows["train"]), rows["train labels"])
    uar = balanced_accuracy_score(rows["dev labels"], probe.predict(scaler.transform(rows["dev"])))
    assert note.endswith(f"one {uar:.3f}")


def test_batch_norms_are_estimated_on_the_clips_and_nothing_else_moves(whole):
    before = copy.deepcopy(whole.state_dict())
    initialisation.recalibrate_batch_norm(whole, "toy", TRAIN, RECIPE, seed=0)
    (batch,) = TRAIN.in_order(len(TRAIN))
    seen = []
    whole.network.norm.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    whole.network.embed(batch.waveform, batch.lengths)
    torch.testing.assert_close(whole.network.norm.running_mean, seen[0].mean(0))
    torch.testing.assert_close(whole.network.norm.running_var, seen[0].var(0))
    changed = {name for name, tensor in whole.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"network.norm.running_mean", "network.norm.running_var"}


def test_frozen_batch_norms_stay_as_they_are_and_no_clip_is_heard_for_them(whole, monkeypatch):
    whole.network.requires_grad_(requires_grad=False)
    before = copy.deepcopy(whole.state_dict())
    monkeypatch.setattr(whole.network, "embed", None)
    initialisation.recalibrate_batch_norm(whole, "toy", TRAIN, RECIPE, seed=0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in whole.state_dict().items())


def test_random_numbers_afterwards_are_those_of_before(whole):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    initialisation.recalibrate_batch_norm(whole, "toy", TRAIN, RECIPE, seed=0)
    assert torch.equal(torch.rand(3), expected)
