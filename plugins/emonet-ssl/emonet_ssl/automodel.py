"""Whatever else ``AutoModel`` gives with hidden states: run clip by clip, with its own feature extractor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention
from torch.nn.utils.rnn import pad_sequence

from emonet_bench.errors import ConfigError, ExportError
from emonet_ssl.backbone import Backbone, Frames, valid
from emonet_ssl.loading import load
from emonet_ssl.options import CheckpointOptions

SHORTEST = 0.1
"""Seconds to which a shorter clip is padded with silence: what extractors make of it has two frames at least."""


class AutoBackbone(Backbone):
    """A model whose parts are not known here.

    It is given each clip alone, so that no clip hears another's padding. Nothing in it is trained, and its extractor is
    no tensor program: it cannot be exported.
    """

    whole = True

    def __init__(self, options: CheckpointOptions) -> None:
        super().__init__()
        model, self.extractor = load(options, fewest=1)
        self.model = model.get_encoder() if model.config.is_encoder_decoder else model
        self.width, self.sampling_rate = model.config.hidden_size, self.extractor.sampling_rate
        self.layers = nn.ModuleList()  # the model's own are not run one by one
        self.number, self.complete = options.highest, options.highest == options.depth
        self.path = _layers(self.model, max(1, options.highest))
        if not self.path:
            raise ConfigError(
                f"options.{options.architecture}.checkpoint: {options.checkpoint}: no list of {options.depth} layers "
                f"is found in {type(self.model).__name__}; take a model that is built as a stack of layers"
            )

    def below(self, waveform: Tensor, lengths: Tensor | None, last: int) -> tuple[list[Tensor], Frames]:
        """See ``Backbone.below``.

        Raises:
            ExportError: A graph is being made of the network.
        """
        if torch.onnx.is_in_onnx_export():
            raise ExportError("its feature extractor is no tensor program; export an architecture of a named family")
        ends = [waveform.shape[1]] * len(waveform) if lengths is None else lengths.tolist()
        clips = [self._states(row[:end]) for row, end in zip(waveform, ends, strict=True)]
        counts = torch.tensor([clip.shape[1] for clip in clips], device=waveform.device)
        stacked = pad_sequence([clip.transpose(0, 1) for clip in clips], batch_first=True)  # (N, T, states, width)
        states = list(stacked.unbind(2))[: last + 1]
        own = valid(counts, stacked.shape[1], stacked)
        return states, Frames(states[-1], own, own)

    def through(self, frames: Frames, first: int, last: int) -> list[Tensor]:  # noqa: ARG002 - the layers are one
        """Return nothing: the layers are run as one."""
        return []

    def drop_above(self, layer: int) -> None:
        """See ``Backbone.drop_above``."""
        if layer < self.number:
            owner, _, name = self.path.rpartition(".")
            setattr(self.model.get_submodule(owner), name, self._listed()[: max(1, layer)])
            self.number, self.complete = layer, False

    def first_trained(self) -> int:
        """Return the number of layers: none is trained."""
        return self.number

    def _states(self, clip: Tensor) -> Tensor:
        """Return the hidden states (states, T, width) of a clip (S,)."""
        clip = F.pad(clip, (0, max(0, round(SHORTEST * self.sampling_rate) - len(clip))))
        samples, like = clip.detach().cpu().float().numpy(), next(self.model.parameters())
        given = self.extractor(samples, sampling_rate=self.sampling_rate, return_tensors="pt")
        given = {name: part.to(like if part.is_floating_point() else like.device) for name, part in given.items()}
        with self._recorded() as states:
            told = self.model(**given)
        mask = given.get("attention_mask")
        if self.complete and told.last_hidden_state.shape == states[-1].shape:  # SEW's is stretched in time
            states[-1] = told.last_hidden_state
        found = torch.cat(states[: self.number + 1]).to(clip.device)
        return found if mask is None or mask.shape[1] != found.shape[1] else found[:, : int(mask.sum())]

    def _listed(self) -> nn.ModuleList:
        listed: Any = self.model.get_submodule(self.path)
        return listed  # type: ignore[no-any-return]

    @contextmanager
    def _recorded(self) -> Iterator[list[Tensor]]:
        """Collect what the first layer is given and what each returns, (1, T, width) each."""
        states: list[Tensor] = []

        def given(_: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
            states.append(arguments[0] if arguments else named["hidden_states"])

        def returned(_: nn.Module, __: Any, result: Any) -> None:
            states.append(result[0] if isinstance(result, tuple) else result)

        layers = list(self._listed())
        hooks = [layers[0].register_forward_pre_hook(given, with_kwargs=True)]
        hooks += [layer.register_forward_hook(returned) for layer in layers]
        try:
            yield states
        finally:
            for hook in hooks:
                hook.remove()


def _layers(model: nn.Module, number: int) -> str:
    """Return the path of the outermost list of so many modules; empty: there is none."""
    found = [path for path, part in model.named_modules() if isinstance(part, nn.ModuleList) and len(part) == number]
    return min(found, key=lambda path: path.count("."), default="")
