"""Functionals: what a contour of any length is summed up to, over its valid frames alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

PERCENTILES = (0, 5, 25, 50, 75, 95, 100)


class Functionals(nn.Module):
    """Mean, standard deviation, slope and percentiles of contours and of their differences from frame to frame.

    Attributes:
        count: Functionals of one contour.
    """

    count = 2 * (3 + len(PERCENTILES))
    percentiles: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("percentiles", torch.tensor(PERCENTILES), persistent=False)

    def forward(self, contours: Tensor, mask: Tensor | None) -> Tensor:
        """Sum up contours.

        Args:
            contours: (N, C, T).
            mask: (N, 1, T), one where a frame is valid; None where all are.

        Returns:
            (N, C x ``count``).
        """
        valid = torch.ones_like(contours[:, :1]) if mask is None else mask.to(contours.dtype)
        deltas = F.pad(contours[..., 1:] - contours[..., :-1], (1, 0))  # zero at the first frame: it repeats itself
        contours = torch.cat([contours, deltas], 1)  # (N, 2C, T)
        return torch.cat([moments(contours, valid), self._percentiles(contours, valid)], 2).flatten(1)

    def _percentiles(self, contours: Tensor, valid: Tensor) -> Tensor:
        """Interpolate linearly between the sorted valid frames: (N, C, P)."""
        ascending = contours.masked_fill(valid == 0, torch.inf).sort(-1).values
        place = self.percentiles * (valid.sum(-1) - 1)[..., None] / 100  # (N, 1, P)
        place = place.expand(-1, contours.shape[1], -1)
        low, high = (ascending.gather(-1, at.long()) for at in (place.floor(), place.ceil()))
        return torch.lerp(low, high, place - place.floor())


def moments(contours: Tensor, valid: Tensor) -> Tensor:
    """Return mean, standard deviation and slope (per frame) of (N, C, T) where ``valid`` (N, 1, T) is one: (N, C, 3).

    >>> moments(torch.tensor([[[1.0, 3.0, 9.0]]]), torch.tensor([[[1.0, 1.0, 0.0]]]))
    tensor([[[2., 1., 2.]]])
    """
    count = valid.sum(-1, keepdim=True)
    frame = torch.cumsum(torch.ones_like(valid), -1)  # (N, 1, T)
    time = (frame - (frame * valid).sum(-1, keepdim=True) / count) * valid
    mean = (contours * valid).sum(-1, keepdim=True) / count
    centred = (contours - mean) * valid
    deviation = (centred.square().sum(-1, keepdim=True) / count).sqrt()
    slope = (centred * time).sum(-1, keepdim=True) / time.square().sum(-1, keepdim=True).clamp_min(0.5)  # one frame: 0
    return torch.cat([mean, deviation, slope], -1)
