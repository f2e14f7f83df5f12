"""Resume: the state of a training between two epochs on disk, from which a killed one goes on. No pickle."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Epoch:
    """One epoch in numbers.

    Attributes:
        epoch: Counted from 1.
        loss: Mean training loss.
        dev_uar: UAR on dev, the mean over corpora.
        learning_rate: Of its last step.
        seconds: Wall-clock time, evaluation included.
    """

    epoch: int
    loss: float
    dev_uar: float
    learning_rate: float
    seconds: float


@dataclass
class TrainingProgress:
    """Where a training stands.

    Attributes:
        stage: Number of the stage, from 0.
        first_epoch: The last epoch before this stage.
        epoch: The last finished epoch, counted over all stages from 1.
        best_epoch: The epoch with the best dev UAR so far.
        best_uar: That UAR.
        patience_baseline: The dev UAR that an epoch must better to be a gain in this stage.
        epochs_without_improvement: Epochs since the last gain, held against the recipe's patience (early stopping).
        micro_batches: How many micro-batches a batch is divided into, because it does not fit into memory at once.
        history: The finished epochs.
    """

    stage: int = -1
    first_epoch: int = 0
    epoch: int = 0
    best_epoch: int = 0
    best_uar: float = -1.0
    patience_baseline: float = -1.0
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
    """Write the state aside and rename it into place; where that fails, an older one stays, which only costs time."""
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
    staging = path.with_suffix(".part")
    try:
        save_file(
            {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}, staging, header
        )
        with staging.open("rb") as written:
            os.fsync(written)
        staging.replace(path)
    except (OSError, SafetensorError) as error:
        staging.unlink(missing_ok=True)
        _log.warning("the state of the training cannot be saved: %s", error)


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
    """Read a state; None where there is none, it is damaged or of another version: then the training begins anew."""
    try:
        with safe_open(path, framework="pt") as opened:
            header = opened.metadata()
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
        progress, numbers = TrainingProgress(**json.loads(header["progress"])), json.loads(header["optimizer"])
        progress.history = [Epoch(**values) for values in json.loads(header["progress"]).get("history", ())]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
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
