"""The parts around every network: masked batch norm, branches, heads, the centre crop."""

import copy

import pytest
import torch
from torch import nn

from emonet_bench.networks import Head, MaskedBatchNorm, PerCorpus, build_classifier, centre_crop, install_per_corpus
from emonet_bench.types import InputSpec, TrainingSet
from tests.toys import Toy


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


def test_two_classes_have_one_unit_and_the_first_logit_is_zero():
    head = Head(6, 2).eval()
    logits = head(torch.randn(3, 6))
    assert logits.shape == (3, 2)
    assert logits[:, 0].eq(0).all()
    assert head.output.out_features == 1
    assert Head(6, 5).eval()(torch.randn(3, 6)).shape == (3, 5)


def test_selecting_a_corpus_switches_every_branch():
    corpora = [TrainingSet("one", ("a", "b"), 4), TrainingSet("two", ("a", "b", "c"), 4)]
    network = Toy()
    install_per_corpus(network, ["one", "two"], {"norm": lambda _, present: copy.deepcopy(present)})
    whole = build_classifier(network, corpora).eval()
    waveform = torch.randn(2, 50)
    assert whole(waveform, None).shape == (2, 2)
    whole.select("two")
    assert whole(waveform, None).shape == (2, 3)
    assert network.norm.active is network.norm.of("two")


def test_a_corpus_may_be_called_like_a_method_of_torch():
    parts = PerCorpus({"train": nn.Identity(), "type": nn.ReLU()})
    parts.select("type")
    assert isinstance(parts.active, nn.ReLU)


def test_an_architectures_own_head_is_taken():
    class Own(Toy):
        def make_head(self, classes):
            return nn.Linear(8, classes)

    whole = build_classifier(Own(), [TrainingSet("one", ("a", "b"), 4)])
    assert isinstance(whole.heads.active, nn.Linear)


@pytest.mark.parametrize(("length", "expected"), [(10, range(3, 7)), (11, range(3, 7)), (4, range(4)), (2, range(2))])
def test_the_centre_crop_is_centred_and_short_clips_are_padded(length, expected):
    waveform = torch.arange(12.0).expand(1, 12)
    cropped, kept = centre_crop(waveform, torch.tensor([length]), InputSpec(16_000, window=4))
    assert cropped[0, : int(kept)].tolist() == [float(i) for i in expected]
    assert cropped[0, int(kept) :].eq(0).all()
    assert cropped.shape == (1, 4)
