"""The data loader: what batches hold, and that no step waits for a device."""

import dataclasses

import pytest
import torch

from emonet_bench.config import Training
from emonet_bench.data import dataset
from emonet_bench.features.clips import KeptFeatures
from emonet_bench.training.batches import batches_per_pass, endless_batches, split_batch
from tests.toys import toy_clips

RECIPE = Training(batch_size=8, window=0.3, sampling_rate=1_000, device="cpu", precision="float32")
TRAIN = toy_clips(seed=1)
SEQUENCES = [torch.full((1 + place % 3, 2), float(place)) for place in range(len(TRAIN))]


@pytest.mark.parametrize(("clips", "count", "sizes"), [(8, 2, [4, 4]), (7, 2, [4, 3]), (3, 4, [3]), (5, 8, [3, 2])])
def test_no_piece_of_a_batch_is_a_single_clip(clips, count, sizes):
    divided = list(split_batch(TRAIN.whole(torch.arange(clips)), count))
    assert [len(micro_batch.targets) for micro_batch in divided] == sizes


@pytest.mark.parametrize("window", [0.3, None])
def test_batches_are_cut_without_a_look_at_what_lies_on_the_device(monkeypatch, window):
    there = TRAIN.to(torch.device("meta"))  # it holds shapes and no numbers: whatever waits for one fails
    monkeypatch.setattr(dataset, "sliced", dataset.gathered)  # as on a GPU
    monkeypatch.setattr(torch.Tensor, "cpu", lambda _: TRAIN.lengths)  # once, before the first batch
    batch = next(endless_batches(there, RECIPE.model_copy(update={"window": window})))
    assert batch.waveform.is_meta
    assert batch.waveform.shape[1] in ([300] if window else TRAIN.lengths.tolist())


@pytest.mark.parametrize("clips", [1, 2, 8, 9, 10, 16, 17, 40])
def test_a_pass_has_as_many_batches_as_are_dealt(clips):
    dealt = list(dataset.shuffled(clips, 8))
    assert batches_per_pass(clips, 8) == len(dealt)


def featured():
    return dataclasses.replace(TRAIN, features=KeptFeatures(SEQUENCES, sequence=True, device=torch.device("cpu")))


def test_features_stand_for_the_waveforms_of_whole_clips():
    torch.manual_seed(0)
    batch = next(endless_batches(featured(), RECIPE.model_copy(update={"window": None})))
    assert batch.waveform.shape == (8, 0)
    assert batch.features.values[:, 0, 0].tolist() == batch.index.tolist()
    assert batch.targets.tolist() == TRAIN.targets[batch.index].tolist()


def test_features_do_not_stand_for_crops():
    assert next(endless_batches(featured(), RECIPE)).features is None


def test_features_are_divided_with_their_batch():
    torch.manual_seed(0)
    batch = next(endless_batches(featured(), RECIPE.model_copy(update={"window": None})))
    parts = list(split_batch(batch, 3))
    assert torch.equal(torch.cat([part.features.values for part in parts]), batch.features.values)
    assert torch.equal(torch.cat([part.features.lengths for part in parts]), batch.features.lengths)
