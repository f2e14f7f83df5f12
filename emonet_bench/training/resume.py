"""Resume: the state of a training between two epochs on disk, from which a killed one goes on. No pickle."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from emonet_bench.errors import ConfigError
from emonet_bench.files import atomic_path, check_regular
from emonet_bench.runs.history import Epoch

_log = logging.getLogger(__name__)


@dataclass
class TrainingProgress:
    """Where a training stands.

    Attributes:
        stage: Number of the stage, from 0.
        first_epoch: The last epoch before this stage.
        epoch: The last finished epoch, counted over all stages from 1.
        best_epoch: The best epoch on dev so far.
        best_rank: What it is worth there: its score, or minus that where less is better.
        patience_baseline: The rank that an epoch must better to be a gain in this stage.
        epochs_without_improvement: Epochs since the last gain, held against the recipe's patience (early stopping).
        micro_batches: How many micro-batches a batch is divided into, because it does not fit into memory at once.
        history: The finished epochs.
    """

    stage: int = -1
    first_epoch: int = 0
    epoch: int = 0
    best_epoch: int = 0
    best_rank: float = -math.inf
    patience_baseline: float = -math.inf
    epochs_without_improvement: int = 0
    micro_batches: int = 1
    history: list[Epoch] = field(default_factory=list)


def save(
    path: Path,
    progress: TrainingProgress,
    model: Mapping[str, Tensor],
    best: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write the state with a checksum, all of it or nothing; where that fails, an older one stays: that costs time."""
    tensors = {f"model/{name}": tensor for name, tensor in model.items()}
    tensors |= {f"best/{name}": tensor for name, tensor in best.items()}
    numbers: dict[str, Any] = {}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{name}"] = value
            else:
                numbers[f"{index}/{name}"] = value
    header = {"progress": json.dumps(asdict(progress)), "optimizer": json.dumps(numbers)}
    stored = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    header["checksum"] = checksum(header, stored)
    try:
        with atomic_path(path) as temporary:
            save_file(stored, temporary, header)
    except (OSError, SafetensorError) as error:
        _log.warning("the state of the training cannot be saved: %s", error)


def checksum(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of a state: of its header, and of the names, kinds, shapes and bytes of its tensors."""
    digest = hashlib.sha256(json.dumps([header["progress"], header["optimizer"]]).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


@dataclass(frozen=True)
class State:
    """A state read back; see ``save``."""

    progress: TrainingProgress
    model: dict[str, Tensor]
    best: dict[str, Tensor]
    optimizer: dict[int, dict[str, Any]]

    def hand_to(self, optimizer: torch.optim.Optimizer) -> None:
        """Give an optimiser of the same parameters the state of the interrupted one."""
        optimizer.load_state_dict({**optimizer.state_dict(), "state": self.optimizer})


def load(path: Path) -> State | None:
    """Read a state; None where there is none, it is damaged or of another version: then the training begins anew.

    The log says which of these it is.
    """
    try:
        check_regular(path, "state")
        with safe_open(path, framework="pt") as opened:
            header = opened.metadata()
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
        damaged = header["checksum"] != checksum(header, tensors)
        progress, numbers = TrainingProgress(**json.loads(header["progress"])), json.loads(header["optimizer"])
        progress.history = [Epoch(**values) for values in json.loads(header["progress"]).get("history", ())]
    except FileNotFoundError:
        return None
    except (ConfigError, OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        _log.warning("the state of the training is damaged, so it begins anew: %s", error)
        return None
    if damaged:
        _log.warning("the state of the training is damaged, so it begins anew: its checksum is another one")
        return None
    state: dict[int, dict[str, Any]] = {}
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "optimizer":
            index, _, field = rest.partition("/")
            state.setdefault(int(index), {})[field] = tensor
        else:
            parts[kind][rest] = tensor
    for name, value in numbers.items():
        index, _, field = name.partition("/")
        state.setdefault(int(index), {})[field] = value
    return State(progress, parts["model"], parts["best"], state)
