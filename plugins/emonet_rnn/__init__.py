"""Architecture ``rnn``: an LSTM or GRU over MFCCs or log-mels, adapters after its layers, attention over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emonet_bench import hookimpl
from emonet_bench.types import Architecture, InputSpec
from emonet_rnn.options import RecurrentOptions, RnnOptions

if TYPE_CHECKING:
    from emonet_rnn.network import RnnNetwork

__all__ = ["RecurrentOptions", "RnnOptions", "build", "emonet_architectures"]

CITATION = """@misc{gerczuk2021emonet,
  title = {EmoNet: A Transfer Learning Framework for Multi-Corpus Speech Emotion Recognition},
  author = {Gerczuk, Maurice and Amiriparian, Shahin and Ottl, Sandra and Schuller, Bj{\\"o}rn},
  year = {2021}, eprint = {2103.08310}, archivePrefix = {arXiv}
}"""


def build(options: RnnOptions, input_spec: InputSpec) -> RnnNetwork:
    """Build the network; torch is imported here and not before."""
    from emonet_rnn.network import RnnNetwork  # noqa: PLC0415 - torch

    return RnnNetwork(options, input_spec)


@hookimpl
def emonet_architectures() -> Sequence[Architecture]:
    """Offer ``rnn``."""
    return [Architecture(name="rnn", family="rnn", options=RnnOptions, build=build, citation=CITATION)]
