"""What every backbone has in common: hidden states, layer by layer, and which of their frames count."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Frames(NamedTuple):
    """A hidden state, and which of its frames count.

    Attributes:
        hidden: (N, T, width).
        own: (N, T), one in a clip's own frames, which are pooled; None: all are.
        attended: (N, T), one in the frames that a clip's layers look at; None: all are.
    """

    hidden: Tensor
    own: Tensor | None
    attended: Tensor | None


class Layer(nn.Module):
    """A layer of the transformer, the slot for a corpus's adapter behind it, and behind the last the model's norm."""

    def __init__(self, layer: nn.Module, norm: nn.Module | None = None) -> None:
        super().__init__()
        self.layer = layer
        self.adapter: nn.Module | None = None
        self.norm = norm

    def forward(self, hidden: Tensor, **given: Any) -> Tensor:
        """Map (N, T, width) to (N, T, width)."""
        found = self.layer(hidden, **given)
        hidden = found[0] if isinstance(found, tuple) else found
        hidden = hidden if self.adapter is None else self.adapter(hidden)
        return hidden if self.norm is None else self.norm(hidden)


class Backbone(nn.Module):
    """The layers of a checkpoint up to the highest that is used.

    Attributes:
        sampling_rate: Samples per second that it takes.
        width: Features of a frame.
        signal_part: What turns the signal into frames, before the transformer.
        layers: Of the transformer, ``Layer`` each.
        whole: Whether it is run as one, so that nothing in it is trained or adapted.
    """

    whole = False
    sampling_rate: int
    width: int
    signal_part: nn.ModuleList
    layers: nn.ModuleList

    def enter(self, waveform: Tensor, lengths: Tensor | None) -> Frames:
        """Return what the first layer is given.

        Args:
            waveform: (N, S) in [-1, 1].
            lengths: (N,) valid samples, or None where every clip fills its row.
        """
        raise NotImplementedError

    def layer_inputs(self, frames: Frames) -> dict[str, Any]:
        """Return what all layers are given beside the hidden state."""
        raise NotImplementedError

    def below(self, waveform: Tensor, lengths: Tensor | None, last: int) -> tuple[list[Tensor], Frames]:
        """Return the hidden states up to that of the layer ``last`` (0: what the first is given), and its frames."""
        frames = self.enter(waveform, lengths)
        states = [frames.hidden, *self.through(frames, 0, last)]
        return states, frames._replace(hidden=states[-1])

    def through(self, frames: Frames, first: int, last: int) -> list[Tensor]:
        """Return what the layers ``first`` to ``last`` - 1 return, (N, T, width) each.

        Args:
            frames: What stands before the layer ``first``.
            first: Its number; the first of all is 0.
            last: The number behind the last one's.
        """
        hidden, states = frames.hidden, []
        given = self.layer_inputs(frames) if last > first else {}
        for layer in self.layers[first:last]:
            hidden = layer(hidden, **given)
            states.append(hidden)
        return states

    def drop_above(self, layer: int) -> None:
        """Remove the layers above a hidden state: 0 is what the first one is given."""
        self.layers = self.layers[:layer]

    def first_trained(self) -> int | None:
        """Return the lowest layer in which anything is trained; None: what stands before the layers is.

        Their number where nothing is trained at all.
        """
        trained = {name.split(".")[:2][-1] if name.startswith("layers.") else "" for name in _trained(self)}
        return None if "" in trained else min(map(int, trained), default=len(self.layers))


def _trained(module: nn.Module) -> list[str]:
    return [name for name, parameter in module.named_parameters() if parameter.requires_grad]


def valid(lengths: Tensor, size: Tensor | int, like: Tensor) -> Tensor:
    """Return the mask (N, size): one where an index is below its row's length.

    In the dtype of ``like``, but in float32 at least: bfloat16 cannot count beyond 256.
    """
    mask = torch.arange(size, device=like.device) < lengths[:, None]  # type: ignore[arg-type]
    return mask.to(torch.promote_types(like.dtype, torch.float32))


def added_to_scores(attended: Tensor | None) -> Tensor | None:
    """Turn the mask (N, T) of frames to look at into what is added to an attention's scores (N, 1, 1, T)."""
    return None if attended is None else (1 - attended)[:, None, None] * torch.finfo(attended.dtype).min
