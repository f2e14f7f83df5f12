"""Precision: no rounding within, and as before without."""

import pytest
import torch

from emonet_bench.networks.precision import tf32_disabled


def flags():
    return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32


def test_rounding_is_off_within_and_as_before_after_an_error_too():
    before = flags()

    def fail():
        with tf32_disabled():
            assert flags() == (False, False)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert flags() == before
