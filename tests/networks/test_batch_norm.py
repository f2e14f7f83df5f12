"""Batch norm over valid cells, held against PyTorch's on those cells alone."""

import pytest
import torch
from torch import nn

from emonet_bench.networks import MaskedBatchNorm


def ragged(lengths=(5, 3, 4), channels=2, bands=3):
    torch.manual_seed(0)
    inputs = torch.randn(len(lengths), channels, bands, max(lengths), dtype=torch.float64)
    mask = torch.zeros(len(lengths), 1, 1, max(lengths), dtype=torch.float64)
    for row, length in enumerate(lengths):
        mask[row, ..., :length] = 1
    return inputs, mask


def test_masked_batch_norm_equals_torchs_on_the_valid_cells_alone():
    inputs, mask = ragged()
    ours, theirs = MaskedBatchNorm(2).double(), nn.BatchNorm1d(2, eps=1e-3, momentum=None).double()
    valid = torch.cat([inputs[i, :, :, : int(mask[i].sum())].flatten(1) for i in range(3)], dim=1)  # (C, cells)
    expected = theirs(valid.T)
    found = ours(inputs, mask)
    cells = torch.cat([found[i, :, :, : int(mask[i].sum())].flatten(1) for i in range(3)], dim=1)
    torch.testing.assert_close(cells.T, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(ours.running_var, theirs.running_var, rtol=0, atol=1e-12)


def test_padding_never_moves_a_statistic():
    inputs, mask = ragged()
    first, second = MaskedBatchNorm(2).double(), MaskedBatchNorm(2).double()
    first(inputs, mask)
    second(torch.where(mask.bool(), inputs, 1e6), mask)
    torch.testing.assert_close(first.running_mean, second.running_mean)


def means(norm, values):
    for value in values:
        norm(torch.tensor([[value], [value]]))
    return norm.running_mean.item()


def polynomial(values):
    """Weigh batch i by i (i + 1) (i + 2): what the decay with eta 3 comes to."""
    weights = [i * (i + 1) * (i + 2) for i in range(1, len(values) + 1)]
    return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)


def test_running_statistics_begin_as_the_polynomial_decay_average_of_the_batches():
    values = [5.0, -2.0, 7.0, 1.0, 4.0]
    assert means(MaskedBatchNorm(1), values) == pytest.approx(polynomial(values))


def test_running_statistics_go_on_after_a_reload_where_they_stood():
    norm, again = MaskedBatchNorm(1), MaskedBatchNorm(1)
    means(norm, [1.0, 2.0, 3.0])
    again.load_state_dict(norm.state_dict())
    assert means(again.train(), [6.0]) == pytest.approx(polynomial([1.0, 2.0, 3.0, 6.0]))


def test_renewed_statistics_stay_until_the_next_batch_and_then_forget():
    norm = MaskedBatchNorm(1)
    kept = means(norm, [1.0, 2.0])
    norm.reset_statistics()
    assert norm.running_mean.item() == kept
    assert means(norm.train(), [9.0]) == pytest.approx(9.0)


def test_momentum_rules_once_enough_batches_are_seen():
    norm = MaskedBatchNorm(1, momentum=0.5)
    assert means(norm, [0.0] * 20 + [8.0]) == pytest.approx(4.0)


def test_a_mask_of_ones_is_the_same_as_none():
    inputs = torch.randn(3, 2, 4, dtype=torch.float64)
    masked, plain = MaskedBatchNorm(2).double(), MaskedBatchNorm(2).double()
    torch.testing.assert_close(masked(inputs, torch.ones(3, 1, 4, dtype=torch.float64)), plain(inputs))
    torch.testing.assert_close(masked.running_var, plain.running_var)


def test_evaluation_ignores_the_mask_and_moves_no_statistic():
    inputs, mask = ragged()
    norm = MaskedBatchNorm(2).double()
    norm(inputs, mask)
    before = norm.running_mean.clone()
    norm.eval()
    assert torch.equal(norm(inputs, mask), norm(inputs))
    assert torch.equal(norm.running_mean, before)


def test_statistics_of_bfloat16_are_computed_in_float32():
    inputs, mask = ragged()
    narrow, wide = MaskedBatchNorm(2), MaskedBatchNorm(2)
    inputs = inputs.bfloat16()
    assert narrow(inputs, mask.bfloat16()).dtype == torch.bfloat16
    wide(inputs.float(), mask.float())
    assert torch.equal(narrow.running_mean, wide.running_mean)
