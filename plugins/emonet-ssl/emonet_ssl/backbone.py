"""What every backbone has in common: how it is loaded, and a layer with a place behind it."""

from __future__ import annotations

from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from emonet_bench.errors import ConfigError
from emonet_ssl.checkpoint import location
from emonet_ssl.options import SslOptions

_UNUSED = "masked_spec_embed"  # stands where pre-training hid frames; a checkpoint may lack it


class Layer(nn.Module):
    """A layer of the transformer, and the slot for a corpus's adapter behind it."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.adapter: nn.Module | None = None

    def forward(self, hidden: Tensor, **given: Any) -> tuple[Tensor, Any]:
        """Map (N, T, width) to (N, T, width) and whatever else the layer returns."""
        found = self.layer(hidden, **given)
        hidden, *more = found if isinstance(found, tuple) else (found,)
        return hidden if self.adapter is None else self.adapter(hidden), more


class Backbone(nn.Module):
    """What a checkpoint holds.

    Attributes:
        sampling_rate: Samples per second that it hears.
        width: Features of a frame.
        signal_part: What turns the signal into frames, before the transformer.
        layers: Of the transformer.
    """

    sampling_rate: int
    width: int
    signal_part: nn.Module
    layers: nn.ModuleList

    def forward(self, waveform: Tensor, lengths: Tensor | None) -> tuple[list[Tensor], Tensor | None]:
        """Return all hidden states.

        Args:
            waveform: (N, S) in [-1, 1].
            lengths: (N,) valid samples, or None where every clip fills its row.

        Returns:
            What the first layer is given and what each layer returns, the last one's being the model's own output,
            (N, T, width) each; and the mask (N, T), one in a clip's own frames, or None where all are.
        """
        raise NotImplementedError


def load(options: SslOptions) -> tuple[Any, Any]:
    """Load a checkpoint's model, in float32, and its feature extractor.

    Raises:
        ConfigError: It is incomplete or damaged.
    """
    from transformers import AutoFeatureExtractor, AutoModel  # noqa: PLC0415 - seconds of import

    assert options.weights is not None
    name, given = location(options.checkpoint, options.weights)
    where = f"options.{options.family}.checkpoint: {options.checkpoint}"
    try:
        extractor = AutoFeatureExtractor.from_pretrained(name, **given)
        model, told = AutoModel.from_pretrained(name, dtype=torch.float32, output_loading_info=True, **given)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{where}: cannot be loaded ({reason[:200]}); is the download complete?") from error
    missing = sorted(key for key in told["missing_keys"] if not key.endswith(_UNUSED))
    if missing:
        raise ConfigError(f"{where}: holds no weights for {missing[0]} ({len(missing)} such); take a whole checkpoint")
    return model, extractor


def valid(lengths: Tensor, size: Tensor | int, like: Tensor) -> Tensor:
    """Return the mask (N, size): one where an index is below its row's length.

    In the dtype of ``like``, but in float32 at least: bfloat16 cannot count beyond 256.
    """
    mask = torch.arange(size, device=like.device) < lengths[:, None]  # type: ignore[arg-type]
    return mask.to(torch.promote_types(like.dtype, torch.float32))
