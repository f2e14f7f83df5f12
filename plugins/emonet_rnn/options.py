"""Options of the recurrent architectures."""

from __future__ import annotations

from typing import Literal

from emonet_bench.config import Options, option
from emonet_bench.frontend.options import FrontEndOptions


class RecurrentOptions(Options):
    """What lies between a sequence of features and its embedding."""

    cell_type: Literal["lstm", "gru"] = option("lstm", "Recurrent cell.", short="-ct")
    hidden_dim: int = option(512, "Units of each layer in each direction.", short="-hd", ge=1)
    number_of_layers: int = option(2, "Recurrent layers.", short="-nl", ge=1)
    bidirectional: bool = option(default=False, description="Run each layer in both directions.")
    rnn_dropout: float = option(
        0.2, "Dropout of each layer's input: whole features, for all of a clip's frames.", short="-rd", ge=0, lt=1
    )
    down_pool: int = option(8, "Frames that are averaged into one before the first layer; 1: none are.", ge=1)
    input_projection: bool = option(default=False, description="Project the features to the hidden size.", short="-ip")
    input_bn: bool = option(default=False, description="Normalise the features by a batch norm.", short="-ib")
    use_attention: bool = option(
        default=False,
        description="Let the frames attend to each other between layers; memory grows with their square.",
        short="-ua",
    )
    share_attention: bool = option(
        default=False,
        description="Share the self-attention between corpora; otherwise each corpus has its own.",
        short="-sa",
    )


class RnnOptions(RecurrentOptions, FrontEndOptions):
    """Options of ``rnn``."""

    features: Literal["mfcc", "logmel"] = option("mfcc", "What the first layer hears.")
    num_mfccs: int = option(40, "MFCCs of a frame.", short="-mfcc", ge=1)
