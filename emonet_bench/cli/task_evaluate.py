"""Evaluation of a trained network on the clips of a table: the working part of ``evaluate``."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from emonet_bench import metrics
from emonet_bench.config import Training
from emonet_bench.console.outputs import check_output, write_output
from emonet_bench.data.dataset import Clips
from emonet_bench.data.opened_corpus import open_corpus
from emonet_bench.data.tables import read_table
from emonet_bench.directories import cache_directory
from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.matrix.resources import resolve
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.predictions import PREFIX
from emonet_bench.training import checkpoints
from emonet_bench.training.checkpoints import Checkpoint
from emonet_bench.training.prediction import label_names, predict
from emonet_bench.types import Architecture, Corpus, SplitRule, Utterance, names
from emonet_bench.validation_messages import did_you_mean


def evaluate(
    architecture: Architecture,
    plugins: Plugins,
    console: Console,
    *,
    initial_model: Path,
    data_path: Path,
    test_csv: Path,
    task: str | None,
    output: Path,
    device: Any,
) -> None:
    """Score a trained network on a table's clips, heard as its run heard its test clips.

    Args:
        architecture: What the network must be.
        plugins: Where its strategy is registered.
        console: Where to print.
        initial_model: A run's directory or a checkpoint.
        data_path: The directory that the table's files are relative to.
        test_csv: The table.
        task: Which of the network's corpora; None where it has only one.
        output: The table of predictions to write: ``filename``, ``probability:LABEL`` of each label, ``predicted`` and
            ``true``.
        device: Kind of device.

    Raises:
        ConfigError: The network is of another architecture or has no such task.
        CorpusError: The table has a label that the network does not know.
        StoreError: The predictions cannot be written.
    """
    check_output(output, "-o")
    checkpoint = checkpoints.load(initial_model)
    if checkpoint.header["architecture"] != architecture.name:
        raise ConfigError(
            f"-im {initial_model}: it is a {checkpoint.header['architecture']}, not a {architecture.name}"
        )
    corpus = _corpus(checkpoint, task, initial_model)
    recipe = _recipe(checkpoint, device)
    clips = _clips(_described(checkpoint, corpus, read_table(test_csv, data_path), test_csv), recipe)
    classifier = checkpoints.rebuild(checkpoint, plugins)
    classifier.to(recipe.device).select(corpus)
    probabilities = predict(classifier, clips, recipe)
    _write(output, clips, probabilities)
    _show(clips, probabilities, console)
    console.print(f"Predictions: {output}", markup=False, soft_wrap=True)


def _corpus(checkpoint: Checkpoint, task: str | None, path: Path) -> str:
    known = list(checkpoint.header["corpora"])
    if task is None and len(known) > 1:
        raise ConfigError(f"-im {path}: it was trained on {names(known)}; choose one with -t")
    if task is not None and task not in known:
        raise ConfigError(f"-t {task}: {path} has no such task{did_you_mean(task, known)}")
    return task or str(known[0])


def _recipe(checkpoint: Checkpoint, device: Any) -> Training:
    input_spec = checkpoint.header["signal"]
    rate, window = input_spec["sampling_rate"], input_spec["window"]
    return resolve(
        Training(
            window=window / rate if window else None,
            evaluation=checkpoint.header.get("evaluation", "whole"),
            sampling_rate=rate,
            device=device,
        )
    )


def _described(checkpoint: Checkpoint, name: str, utterances: Sequence[Utterance], table: Path) -> Corpus:
    labels = tuple(checkpoint.header["corpora"][name])
    unknown = sorted({utterance.label or "" for utterance in utterances} - set(labels))
    if unknown:
        raise CorpusError(f"{table}: the network knows no label {names(unknown)}; it was trained on {names(labels)}")
    return Corpus(name, labels, partial(list, utterances), {"own": SplitRule()})


def _clips(corpus: Corpus, recipe: Training) -> Clips:
    opened = open_corpus(corpus, None, recipe.sampling_rate, cache_directory())
    return opened.clips(range(len(opened.utterances))).to(torch.device(recipe.device))


def _write(output: Path, clips: Clips, probabilities: Tensor) -> None:
    truth, prediction = label_names(clips, probabilities.argmax(-1))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["filename", *(f"{PREFIX}{label}" for label in clips.labels), "predicted", "true"])
    for name, row, guess, label in zip(clips.names, probabilities.tolist(), prediction, truth, strict=True):
        writer.writerow([name, *(f"{value:.6g}" for value in row), guess, label])
    write_output(output, stream.getvalue(), "-o")


def _show(clips: Clips, probabilities: Tensor, console: Console) -> None:
    truth, prediction = label_names(clips, probabilities.argmax(-1))
    scores = metrics.scores(truth, prediction, clips.labels)
    table = Table("label", "clips", "recall", box=None, pad_edge=False)
    for label, recall in scores["recall"].items():
        table.add_row(label, str(truth.count(label)), "-" if recall is None else f"{recall:.3f}")
    console.print(table)
    console.print(f"UAR {scores['uar']:.3f}, accuracy {scores['accuracy']:.3f} on {len(clips)} clips", highlight=False)
