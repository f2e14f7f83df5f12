"""Classification heads: two classes have one unit, more have one each."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.networks import Head
from emonet_bench.networks.heads import two_class_logits


def test_two_classes_have_one_unit_and_the_first_logit_is_zero():
    head = Head(6, 2).eval()
    logits = head(torch.randn(3, 6))
    assert logits.shape == (3, 2)
    assert logits[:, 0].eq(0).all()
    assert head.output.out_features == 1
    assert Head(6, 5).eval()(torch.randn(3, 6)).shape == (3, 5)


def test_crossentropy_of_two_logits_from_one_unit_is_binary_crossentropy():
    units, targets = torch.randn(16, 1, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 2
    expected = F.binary_cross_entropy_with_logits(units[:, 0], targets.float())
    torch.testing.assert_close(F.cross_entropy(two_class_logits(units), targets), expected)


def test_logits_of_more_classes_stay_as_they_are():
    units = torch.randn(2, 3)
    assert two_class_logits(units) is units


@pytest.mark.parametrize(("dim", "hidden"), [(8, 4), (5, 2), (1, 1)])
def test_the_hidden_layer_is_half_as_wide_and_never_empty(dim, hidden):
    head = Head(dim, 3).eval()
    assert head.dense.out_features == hidden
    assert head(torch.randn(2, dim)).shape == (2, 3)


def test_dropout_acts_in_training_alone():
    torch.manual_seed(0)
    head, inputs = Head(64, 4, dropout=0.5), torch.randn(32, 64)
    head(inputs)
    assert not torch.equal(head(inputs), head(inputs))
    head.eval()
    assert torch.equal(head(inputs), head(inputs))
