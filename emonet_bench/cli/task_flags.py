"""Flags that the commands of every architecture have in common, and EmoNet's training recipe, their defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import rich_click as click

from emonet_bench.console.paths import PathParam
from emonet_bench.types import Strategy

RECIPE: Mapping[str, Any] = {
    "epochs": 1000,
    "batch_size": 64,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "schedule": "stages",
    "patience": 20,
    "weight_decay": 2e-6,  # Keras' L2 of 1e-6 adds 1e-6 w^2 to the loss: its gradient is 2e-6 w
    "label_smoothing": 0.0,
    "balanced_weights": False,
    "window": None,
    "short_clips": "pad",
    "precision": "float32",
}
"""EmoNet's training on one corpus, where it differs from the defaults of a matrix."""

JOINT_RECIPE: Mapping[str, Any] = {**RECIPE, "epochs": 50, "steps_per_epoch": 20}
"""EmoNet's training on several corpora; its cap on epochs holds for each stage."""

SHOWN: Mapping[str, str] = {"evaluation": "centre with a window, otherwise whole"}
"""Defaults that depend on other flags, in words."""

_MODE = "scratch"
_FILE = PathParam(exists=True, dir_okay=False)
_FOLDER = PathParam(exists=True, file_okay=False)
_ANY = PathParam(exists=True)


def _flag(*names: str, **settings: Any) -> click.RichOption:
    return click.RichOption(names, **{"show_default": "default" in settings, **settings})


def _data(*names: str, words: str, kind: Any = _FILE, **settings: Any) -> click.RichOption:
    return _flag(*names, type=kind, required=True, help=words, panel="Data", **settings)


def data_path() -> click.RichOption:
    """Declare ``-dp``."""
    return _data("-dp", "--data-path", kind=_FOLDER, words="Directory that the files in the tables are relative to.")


def single_data() -> list[click.Parameter]:
    """Declare the tables of one corpus."""
    return [
        data_path(),
        _data("-t", "--task", kind=str, words="Name of the task that is trained: what the results call the corpus."),
        _data("-tr", "--train-csv", words="Table of the training clips, with the columns file and label."),
        _data("-v", "--val-csv", words="Table of the validation clips: the best epoch is chosen on them."),
        _data("-te", "--test-csv", words="Table of the test clips."),
    ]


def joint_data() -> list[click.Parameter]:
    """Declare the tables of several corpora."""
    words = "Directory with a folder for each task: train.csv, val.csv (or devel.csv) and test.csv."
    tasks = "Names of the tasks that are trained, several after one flag: folders of the setup."
    return [
        data_path(),
        _data("-mts", "--multi-task-setup", kind=_FOLDER, words=words),
        _data("-t", "--tasks", kind=str, words=tasks, multiple=True),
    ]


def mode(strategies: Mapping[str, Strategy]) -> click.RichOption:
    """Declare ``-m``: the strategies that train one corpus."""
    settings: dict[str, Any] = {"default": _MODE} if _MODE in strategies else {"required": True}
    words = "Type of training; all but those from random weights start from the network that -im names."
    return _flag("-m", "--mode", type=click.Choice(list(strategies)), help=words, panel="Run", **settings)


def strategy(strategies: Mapping[str, Strategy]) -> list[click.Parameter]:
    """Declare ``--strategy`` where several strategies train on several corpora."""
    known = list(strategies)
    words = "Strategy that trains all tasks together."
    return (
        [_flag("--strategy", type=click.Choice(known), default=known[0], help=words, panel="Run")] if known[1:] else []
    )


def run() -> list[click.Parameter]:
    """Declare where a run starts, how it is seeded and where it is kept."""
    source = (
        "Network to start from: a run's directory, its .safetensors, or weights of EmoNet itself. Options of the "
        "architecture that are not given are then the source's."
    )
    threads = "Threads that read and resample the audio, on the first time; no number depends on it."
    return [
        _flag("-im", "--initial-model", type=_ANY, help=source, panel="Run"),
        _flag(
            *("-ebp", "--experiment-base-path"),
            type=PathParam(file_okay=False),
            default="./residual-adapters",
            help="Where results are kept, a directory for each run.",
            panel="Run",
        ),
        _flag("--seed", type=int, default=0, help="Of everything random.", panel="Run"),
        _flag("-nw", "--n-workers", type=click.IntRange(1), default=5, help=threads, panel="Run"),
        _flag("--force", is_flag=True, help="Run again what is finished.", panel="Run"),
    ]


def evaluation() -> list[click.Parameter]:
    """Declare what ``evaluate`` needs."""
    output = {"type": PathParam(dir_okay=False), "default": Path("predictions.csv")}
    return [
        _data("-im", "--initial-model", kind=_ANY, words="Trained network: a run's directory or its .safetensors."),
        data_path(),
        _data("-te", "--test-csv", words="Table of the clips, with the columns file and label."),
        _flag("-t", "--task", help="Which of the network's tasks, where it was trained on several."),
        _flag("-o", "--output", help="Table of predictions that is written.", **output),
        _flag("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to compute."),
    ]


def in_flags(message: str, parameters: Iterable[click.Parameter]) -> str:
    """Say flags in a message where it says options of a matrix file.

    >>> in_flags("set training.window", [click.RichOption(["-w", "--window"])])
    'set -w/--window'
    """
    for parameter in parameters:
        flag = "/".join(parameter.opts)
        for owner, field in getattr(parameter, "sets", ()):
            where = owner if owner == "training" else f"options.{owner}"
            message = re.sub(rf"\b{re.escape(f'{where}.{field}')}\b", flag, message)
        message = re.sub(rf"\b(?:training|options\.[\w+-]+)\.{parameter.name}\b", flag, message)
    return message
