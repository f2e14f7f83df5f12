"""Architecture ``cnn``: EmoNet's residual-adapter ResNet over a log-mel spectrogram."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emonet_bench import hookimpl
from emonet_bench.types import Architecture, InputSpec
from emonet_cnn.options import CnnOptions, ResNetOptions

if TYPE_CHECKING:
    from emonet_bench.training.checkpoints import Checkpoint
    from emonet_cnn.network import Cnn

__all__ = ["CnnOptions", "ResNetOptions", "build", "emonet_architectures"]

CITATION = """@article{gerczuk2023emonet,
  title = {EmoNet: A Transfer Learning Framework for Multi-Corpus Speech Emotion Recognition},
  author = {Gerczuk, Maurice and Amiriparian, Shahin and Ottl, Sandra and Schuller, Bj{\\"o}rn W.},
  journal = {IEEE Transactions on Affective Computing},
  volume = {14}, number = {2}, year = {2023}
}"""


def build(options: CnnOptions, input_spec: InputSpec) -> Cnn:
    """Build the network; torch is imported here and not before."""
    from emonet_cnn.network import Cnn  # noqa: PLC0415 - torch

    return Cnn(options, input_spec)


def load_external(path: Path) -> Checkpoint:
    """Read the weights that the original EmoNet has saved."""
    from emonet_cnn.keras import read_checkpoint  # noqa: PLC0415 - torch

    return read_checkpoint(path)


@hookimpl
def emonet_architectures() -> Sequence[Architecture]:
    """Offer ``cnn``."""
    return [
        Architecture(
            name="cnn", family="cnn", options=CnnOptions, build=build, citation=CITATION, load_external=load_external
        )
    ]
