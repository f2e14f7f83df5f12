"""Target kinds."""

from typing import get_args

from emonet_bench.types import TargetKind


def test_there_are_four_kinds_of_targets():
    assert get_args(TargetKind) == ("label", "votes", "label-set", "values")
