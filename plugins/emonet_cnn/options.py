"""Options of the convolutional architectures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emonet_bench.config import Options, option
from emonet_bench.frontend.options import FrontEndOptions

Share = Annotated[float, Field(ge=0, lt=1)]


class ResNetOptions(Options):
    """What lies between a spectrogram and its feature map; defaults are EmoNet's."""

    number_of_resnet_blocks: int = option(2, "Residual blocks N in each of the three stages.", short="-N", ge=1)
    number_of_filters: int = option(32, "Filters of the first convolution.", short="-nf", ge=1)
    widen_factor: int = option(1, "Factor for the filters of every convolution.", short="-wf", ge=1)
    dropout: tuple[Share, Share] = option(
        (0.0, 0.5),
        "Dropout at the first and second convolution of each block: of its input, or with adapters of theirs.",
        short="-do",
    )
    input_bn: bool = option(default=False, description="Normalise the spectrogram by a batch norm.", short="-ib")
    norm_momentum: float = option(0.01, "Weight of a new batch in the batch norms' running statistics.", gt=0, le=1)


class CnnOptions(ResNetOptions, FrontEndOptions):
    """Options of ``cnn``."""

    classifier: Literal["avgpool", "FCNAttention", "rnn", "statistics"] = option(
        "avgpool",
        "How the feature map becomes one vector. avgpool: 8x8 averages of a fixed window; FCNAttention: attention over "
        "time and frequency; rnn: an LSTM over time; statistics: mean and standard deviation under that attention.",
        short="-c",
    )
    rnn_dropout: float = option(0.2, "Dropout between the layers of the classifier rnn.", short="-rd", ge=0, lt=1)
