"""What is heard of a clip: all of it unless something is said."""

from dataclasses import FrozenInstanceError

import pytest

from emonet_bench.types import InputSpec


def test_a_whole_clip_at_16_khz_is_heard_where_nothing_is_said():
    assert InputSpec() == InputSpec(sampling_rate=16_000, window=None, hop=None)


def test_it_is_a_key_and_does_not_change():
    spec = InputSpec(8_000, 24_000, 12_000)
    assert {spec: 1}[InputSpec(8_000, 24_000, 12_000)] == 1
    with pytest.raises(FrozenInstanceError):
        spec.window = 1
