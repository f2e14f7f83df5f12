"""The state of a training between two epochs on disk, so that a killed one goes on where it stood. No pickle."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

_log = logging.getLogger(__name__)


@dataclass
class Standing:
    """Where a training stands.

    Attributes:
        stage: Number of the stage, from 0.
        first_epoch: The last epoch before this stage.
        epoch: The last finished epoch, counted over all stages from 1.
        best_epoch: The epoch with the best dev UAR so far.
        best_uar: That UAR.
        reference: The dev UAR that an epoch must better to be a gain in this stage.
        waited: Epochs since the last gain.
        pieces: How many pieces a batch is run in, because it does not fit into memory at once.
    """

    stage: int = -1
    first_epoch: int = 0
    epoch: int = 0
    best_epoch: int = 0
    best_uar: float = -1.0
    reference: float = -1.0
    waited: int = 0
    pieces: int = 1


def save(
    path: Path,
    standing: Standing,
    model: Mapping[str, Tensor],
    best: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write the state aside and rename it into place. Where that fails, an older one stays: it only costs more time."""
    tensors = {f"model/{name}": tensor for name, tensor in model.items()}
    tensors |= {f"best/{name}": tensor for name, tensor in best.items()}
    numbers: dict[str, Any] = {}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{name}"] = value
            else:
                numbers[f"{index}/{name}"] = value
    header = {"standing": json.dumps(asdict(standing)), "optimizer": json.dumps(numbers)}
    aside = path.with_suffix(".part")
    try:
        save_file({name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}, aside, header)
        with aside.open("rb") as written:
            os.fsync(written)
        aside.replace(path)
    except (OSError, SafetensorError) as error:
        aside.unlink(missing_ok=True)
        _log.warning("the state of the training cannot be saved: %s", error)


@dataclass(frozen=True)
class State:
    """A state read back; see ``save``."""

    standing: Standing
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
        standing, numbers = Standing(**json.loads(header["standing"])), json.loads(header["optimizer"])
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
    return State(standing, parts["model"], parts["best"], state)
