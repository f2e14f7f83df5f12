"""Architecture ``fusion``: EmoNet's convolutional and recurrent branches on the same spectrogram, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emonet_cnn import CITATION

from emonet_bench import hookimpl
from emonet_bench.types import Architecture, InputSpec
from emonet_fusion.options import FusionOptions

if TYPE_CHECKING:
    from emonet_fusion.network import FusionNetwork

__all__ = ["FusionOptions", "build", "emonet_architectures"]


def build(options: FusionOptions, input_spec: InputSpec) -> FusionNetwork:
    """Build the network; torch is imported here and not before."""
    from emonet_fusion.network import FusionNetwork  # noqa: PLC0415 - torch

    return FusionNetwork(options, input_spec)


@hookimpl
def emonet_architectures() -> Sequence[Architecture]:
    """Offer ``fusion``."""
    return [Architecture(name="fusion", family="fusion", options=FusionOptions, build=build, citation=CITATION)]
