"""Options of the fused architecture: those of its branches, with one spectrogram for both."""

from __future__ import annotations

from emonet_cnn.options import ResNetOptions
from emonet_rnn.options import RecurrentOptions

from emonet_bench.config import option
from emonet_bench.frontend.options import FrontEndOptions


class FusionOptions(ResNetOptions, RecurrentOptions, FrontEndOptions):
    """Options of ``fusion``."""

    input_bn: bool = option(
        default=False, description="Normalise the spectrogram by a batch norm in each branch.", short="-ib"
    )
