"""Features gathered into batches: kept or computed, the same numbers."""

import torch

from emonet_bench.features.clips import ComputedFeatures, KeptFeatures
from emonet_bench.types import FrozenFeatures

CPU = torch.device("cpu")
SEQUENCES = [torch.arange(2.0 * n).reshape(n, 2) for n in (3, 1, 4)]
ROWS = [torch.full((2, 3), float(n)) for n in range(3)]


def test_sequences_are_padded_to_the_longest_of_the_batch_and_say_what_is_valid():
    batch = KeptFeatures(SEQUENCES, sequence=True, device=CPU).gather([1, 0])
    assert batch.lengths.tolist() == [1, 3]
    assert batch.values.tolist() == [[[0, 1], [0, 0], [0, 0]], [[0, 1], [2, 3], [4, 5]]]


def test_rows_are_stacked_in_the_order_asked_for_and_in_float32():
    batch = KeptFeatures([row.half() for row in ROWS], sequence=False, device=CPU).gather([2, 0, 2])
    assert batch.lengths is None
    assert batch.values.dtype == torch.float32
    assert batch.values[:, 0, 0].tolist() == [2, 0, 2]


def test_selected_clips_keep_their_features():
    kept = KeptFeatures(ROWS, sequence=False, device=CPU).select([2, 1])
    assert kept.gather([0]).values[0, 0, 0] == 2
    computed = ComputedFeatures(lambda i: FrozenFeatures(ROWS[i][None]), range(3), CPU).select([2, 1])
    assert computed.select([1]).gather([0]).values[0, 0, 0] == 1


def test_computed_features_are_those_that_would_have_been_kept():
    def compute(i):
        padded = torch.cat([SEQUENCES[i], torch.full((2, 2), 9.0)])  # more than what is valid
        return FrozenFeatures(padded[None], torch.tensor([len(SEQUENCES[i])]))

    computed = ComputedFeatures(compute, range(3), CPU).gather([2, 0])
    kept = KeptFeatures(SEQUENCES, sequence=True, device=CPU).gather([2, 0])
    assert torch.equal(computed.values, kept.values)
    assert torch.equal(computed.lengths, kept.lengths)
