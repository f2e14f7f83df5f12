"""What every trained network is made of around its architecture: heads, branches for each corpus, masked batch norm."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.types import ParameterGroup, Signal, TrainingSet

_ETA = 3  # of the polynomial-decay average
_PREFIX = "for_"  # nn.ModuleDict refuses names such as "train"
_PART = re.compile(rf"\.parts\.{_PREFIX}([^.]+)\.")


class MaskedBatchNorm(nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - torch offers no public parent for all ranks
    """Batch norm whose statistics come from valid cells only (Ioffe & Szegedy, 2015).

    Epsilon and momentum default to Keras' (1e-3, and 0.99 in Keras' counting), as in EmoNet. As long as few batches
    have been seen, the running statistics are their polynomial-decay average (Shamir & Zhang, 2013, with eta 3): with
    the momentum alone, a short training would end with statistics that still remember their start.
    """

    momentum: float
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, features: int, *, eps: float = 1e-3, momentum: float = 0.01) -> None:
        super().__init__(features, eps=eps, momentum=momentum)
        self._seen = 0

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        """Take any rank: channels stand second."""

    def renew(self) -> None:
        """Begin the running statistics anew with the next batch in training; until then they stay as they are."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.zero_()
        self._seen = 0

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's signature
        """Switch to training; the count of batches is read here, so that no step waits for a GPU."""
        if mode and self.num_batches_tracked is not None:
            self._seen = int(self.num_batches_tracked)
        return super().train(mode)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalise (N, C, ...) by the cells where ``mask`` (N, 1, ..., broadcastable) is one; None: all are valid."""
        if not self.training:
            return super().forward(inputs)
        self._seen += 1
        self.num_batches_tracked += 1
        rate = max(self.momentum, (_ETA + 1) / (self._seen + _ETA))
        if mask is None:
            return F.batch_norm(
                inputs,
                self.running_mean,
                self.running_var,
                self.weight,
                self.bias,
                training=True,
                momentum=rate,
                eps=self.eps,
            )
        return self._masked(inputs.float() if inputs.dtype == torch.bfloat16 else inputs, mask, rate).to(inputs.dtype)

    def _masked(self, inputs: Tensor, mask: Tensor, rate: float) -> Tensor:
        axes = [axis for axis in range(inputs.dim()) if axis != 1]
        shape = [1, -1] + [1] * (inputs.dim() - 2)
        count = mask.expand(inputs.shape[0], 1, *inputs.shape[2:]).sum()
        mean = (inputs * mask).sum(axes) / count
        centred = inputs - mean.view(shape)
        variance = (centred.square() * mask).sum(axes) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, rate)
            self.running_var.lerp_(variance * count / (count - 1).clamp_min(1), rate)
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale.view(shape) + self.bias.view(shape)


class Branches(nn.Module):
    """The same part once for each corpus, one of them active."""

    def __init__(self, parts: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({_PREFIX + corpus: part for corpus, part in parts.items()})
        self.select(next(iter(parts)))

    def select(self, corpus: str) -> None:
        """Make one corpus's part the active one."""
        self._active = _PREFIX + corpus

    def of(self, corpus: str) -> nn.Module:
        """Return one corpus's part."""
        return self.parts[_PREFIX + corpus]

    @property
    def active(self) -> nn.Module:
        """The active part."""
        return self.parts[self._active]

    def forward(self, *inputs: Any) -> Any:
        """Run the active part."""
        return self.active(*inputs)


def owner(tensor: str) -> str | None:
    """Tell which corpus a tensor of a ``state_dict`` belongs to, by its name; None: it is shared.

    >>> owner("network.norm.parts.for_emodb.weight"), owner("network.stem.weight")
    ('emodb', None)
    """
    found = _PART.search(tensor)
    return found[1] if found else None


def without_owner(tensor: str) -> str:
    """Name a corpus's tensor as in a network without branches.

    >>> without_owner("network.norm.parts.for_emodb.weight")
    'network.norm.weight'
    """
    return _PART.sub(".", tensor)


def active(module: nn.Module) -> nn.Module:
    """Return the active part where a module is made of branches, otherwise the module itself."""
    return module.active if isinstance(module, Branches) else module


class Head(nn.Module):
    """EmoNet's classification head: dense D to D/2, batch norm, ReLU, dropout, dense to the classes.

    Two classes have one unit z for the second label: logits (N, 2) = [0, z].
    """

    def __init__(self, dim: int, classes: int, *, dropout: float = 0.2) -> None:
        super().__init__()
        hidden = max(1, dim // 2)
        self.dense = nn.Linear(dim, hidden)
        self.norm = MaskedBatchNorm(hidden)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, 1 if classes == 2 else classes)  # noqa: PLR2004

    def forward(self, embedding: Tensor) -> Tensor:
        """Map embeddings (N, D) to logits (N, classes)."""
        hidden = self.dropout(F.relu(self.norm(self.dense(embedding))))
        return two_class_logits(self.output(hidden))


def two_class_logits(units: Tensor) -> Tensor:
    """Turn one unit (N, 1) into two logits [0, z]; more units are logits already."""
    return F.pad(units, (1, 0)) if units.shape[-1] == 1 else units


class Classifier(nn.Module):
    """An architecture's network with a head for each corpus.

    Attributes:
        network: What the architecture built.
        heads: One head for each corpus.
    """

    def __init__(self, network: Any, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.network = network
        self.heads = Branches(heads)

    def select(self, corpus: str) -> None:
        """Make one corpus's branches active throughout."""
        for module in self.modules():
            if isinstance(module, Branches):
                module.select(corpus)

    def forward(self, waveform: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map waveforms (N, S) and valid lengths (N,) to the active corpus's logits (N, classes)."""
        logits: Tensor = self.heads(self.network.embed(waveform, lengths))
        return logits


def classifier(network: Any, corpora: Iterable[TrainingSet]) -> Classifier:
    """Give a network a new head for each corpus: its own kind (``make_head``) or EmoNet's."""
    make = getattr(network, "make_head", None) or (lambda classes: Head(network.dim, classes))
    return Classifier(network, {corpus.corpus: make(len(corpus.labels)) for corpus in corpora})


def parameter_groups(parameters: Iterable[nn.Parameter], weight_decay: float | None = None) -> list[ParameterGroup]:
    """Group parameters so that kernels alone decay: shrinking biases and scales towards zero regularises nothing."""
    given = list(parameters)
    kernels = [parameter for parameter in given if parameter.dim() > 1]
    others = [parameter for parameter in given if parameter.dim() <= 1]
    return [ParameterGroup(kernels, weight_decay), ParameterGroup(others, 0.0)]


def centre_crop(waveform: Tensor, lengths: Tensor, signal: Signal) -> tuple[Tensor, Tensor]:
    """Cut the centred window out of every clip; shorter clips are padded with zeros.

    Args:
        waveform: (N, S).
        lengths: (N,) valid samples.
        signal: Its window is the crop; None returns the clips as they are.

    Returns:
        (N, window) and the valid samples of each row.
    """
    if signal.window is None:
        return waveform, lengths
    start = torch.div((lengths - signal.window).clamp_min(0), 2, rounding_mode="floor")  # (N,)
    columns = start[:, None] + torch.arange(signal.window, device=waveform.device)  # (N, window)
    waveform = F.pad(waveform, (0, signal.window))  # so that every column exists
    kept = lengths.clamp_max(signal.window)
    valid = torch.arange(signal.window, device=waveform.device) < kept[:, None]
    return waveform.gather(1, columns) * valid, kept


def slot(network: nn.Module, path: str) -> tuple[nn.Module, str]:
    """Find the module that owns a dotted path, and the attribute's name."""
    owner, _, name = path.rpartition(".")
    return network.get_submodule(owner), name


def branch(network: Any, corpora: Sequence[str], make: Mapping[str, Callable[..., nn.Module]]) -> list[Branches]:
    """Install a part for each corpus at every adapter point of some kinds.

    Args:
        network: What the architecture built.
        corpora: Names of the corpora.
        make: For each kind (see ``AdapterPoint``), ``make(point, present)`` returns one corpus's part; ``present`` is
            what stands at the point now (None in an empty slot).

    Returns:
        What was installed.
    """
    installed = []
    for point in network.adapter_points().values():
        if point.kind in make:
            owner, name = slot(network, point.path)
            present = getattr(owner, name)
            parts = Branches({corpus: make[point.kind](point, present) for corpus in corpora})
            setattr(owner, name, parts)
            installed.append(parts)
    return installed
