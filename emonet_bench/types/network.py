"""Network: the protocol of what an architecture builds, and the features of its frozen part. No torch at import.

``emonet_bench.types`` has the first three names, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    import torch

    from emonet_bench.types.input_spec import InputSpec


@dataclass(frozen=True)
class AdapterPoint:
    """A place in a network where a strategy may put a part of its own for each corpus.

    Attributes:
        path: Dotted path of the attribute. For ``conv`` and ``sequence`` it is an empty slot (the attribute is None)
            that takes a module; for ``norm`` and ``pooling`` it is a module that may be copied for each corpus.
        kind: ``conv``: the slot's module runs beside a convolution, on the same input (N, inputs, M, T), and is added
            to its output (N, outputs, M / stride, T / stride). ``sequence``: it runs after a layer on (N, T, inputs)
            and returns that shape. ``norm``: a batch norm. ``pooling``: attention or another pooling with parameters.
        inputs: Channels in.
        outputs: Channels out.
        stride: Step of the convolution beside a ``conv`` slot.
    """

    path: str
    kind: Literal["conv", "sequence", "norm", "pooling"]
    inputs: int
    outputs: int
    stride: int = 1


class FrozenFeatures(NamedTuple):
    """What the frozen part of a network makes of clips.

    Attributes:
        values: (N, ...), one row for each clip; or (N, T, ...), a sequence for each, padded.
        lengths: (N,) int64 valid frames where ``values`` are sequences, otherwise None.
    """

    values: torch.Tensor
    lengths: torch.Tensor | None = None


class Network(Protocol):
    """What an architecture builds: an ``nn.Module`` that turns waveforms into embeddings.

    What it may have besides is spelt out by ``Windowed``, ``Headed``, ``Layered``, ``Freezable`` and ``Foldable``.

    Attributes:
        dim: Size D of the embedding.
    """

    dim: int

    def embed(self, waveform: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
        """Embed waveforms.

        Args:
            waveform: (N, S) float in [-1, 1]; what lies past a clip's length is ignored.
            lengths: (N,) int64 valid samples of each clip, or None where every clip fills its row.

        Returns:
            (N, D). Padding never changes a row.
        """

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name the places where per-corpus parts may go; empty where there are none."""


class Windowed(Protocol):
    """A network that says what it hears of a clip whatever the recipe says.

    Attributes:
        input_spec: With a window, ``embed`` cuts the centre out of longer clips; evaluation and exports hand it just
            that, and metadata, card and ``Predictor`` say so.
    """

    input_spec: InputSpec


class Headed(Protocol):
    """A network with heads of its own kind, in place of ``emonet_bench.networks.Head``."""

    def make_head(self, classes: int, *, independent: bool = False) -> torch.nn.Module:
        """Make a new head: embeddings (N, D) to logits (N, classes).

        Args:
            classes: Number of logits.
            independent: Whether each logit is for itself, as those of label sets and values are. It is given only
                where it is so; a network without this argument is for labels only.
        """


class Layered(Protocol):
    """A network that tells its layers, so that ``training.layer_decay`` can give each a learning rate of its own."""

    def ordered_layers(self) -> Sequence[torch.nn.Module]:
        """Return the layers, the first being next to the input. What is in none of them learns as fast as the head."""


class Freezable(Network, Protocol):
    """A network that splits itself: a frozen part, whose features of a clip are computed once, and what trains above.

    ``embed(waveform, lengths)`` is ``embed_frozen(frozen(waveform, lengths))``. Features that were computed before an
    ``Architecture.fit`` serve the fitted network, too.
    """

    def frozen(self, waveform: torch.Tensor, lengths: torch.Tensor | None) -> FrozenFeatures:
        """Compute what no training changes: deterministic, and padding never changes a row. See ``embed``."""

    def embed_frozen(self, features: FrozenFeatures) -> torch.Tensor:
        """Compute embeddings (N, D) of what ``frozen`` gave."""

    def frozen_id(self) -> str | None:
        """Identify all that ``frozen`` depends on: weights, options and code.

        Returns:
            A text, see ``emonet_bench.features.identity.identify``. None where, as ``requires_grad`` stands, something
            within ``frozen`` is trained, or the network cannot be split.
        """


class Foldable(Protocol):
    """A module with a twin for inference; one beside a ``conv`` slot may take the slot's adapter into itself."""

    def fold(self) -> torch.nn.Module:
        """Return its equal for inference, with active parts folded in."""

    def absorb(self, kernel: torch.Tensor) -> None:
        """Add a 1x1 kernel (outputs, inputs) to the module's own."""
