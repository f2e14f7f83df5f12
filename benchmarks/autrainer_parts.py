"""What autrainer needs to train ``framework_trainings.classifier``: a model, a dataset, a callback, a configuration.

``ResNet-18`` is its own: model and front end are those of the configurations that come with it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import autrainer
import torch
from autrainer.core.callbacks import CallbackMixin
from autrainer.core.structs import DataItem
from autrainer.datasets.abstract_dataset import BaseClassificationDataset
from autrainer.datasets.utils import AudioFileHandler, NumpyFileHandler
from autrainer.models import AbstractModel
from autrainer.training import ModularTaskTrainer
from autrainer.transforms import SmartCompose
from framework_trainings import LEARNING_RATE, NETWORKS, RATE, WINDOW, Setting, classifier
from omegaconf import OmegaConf
from torch import Tensor

OWN = "ResNet-18"
"""The network of which autrainer has one of its own."""


class Model(AbstractModel):  # type: ignore[misc]
    """The network of all ways as autrainer takes it."""

    def __init__(self, output_dim: int, network: str, spectrograms: bool) -> None:  # noqa: FBT001 - from YAML
        super().__init__(output_dim)
        assert network in NETWORKS
        self.network, self.spectrograms = network, spectrograms
        self.classifier = classifier(network, output_dim)

    def embeddings(self, features: Tensor) -> Tensor:
        """Embed spectrograms (N, mels, T), or waveforms (N, 1, S)."""
        own: Any = self.classifier.network
        if self.spectrograms:
            return own.embed_features(features, None)  # type: ignore[no-any-return]
        return own.embed(features[:, 0], None)  # type: ignore[no-any-return]

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (N, classes)."""
        logits: Tensor = self.classifier.heads(self.embeddings(features))
        return logits


class Dataset(BaseClassificationDataset):  # type: ignore[misc]
    """Lists of files with labels: ``train.csv``, ``dev.csv`` and ``test.csv``."""


class Told(CallbackMixin):  # type: ignore[misc]
    """Tells of the end of each epoch."""

    def __init__(self, tell: Callable[[], object]) -> None:
        super().__init__()
        self.tell = tell

    def cb_on_iteration_end(self, trainer: object, iteration: int, metrics: object) -> None:  # noqa: ARG002
        """Tell; dev has been scored and states have been saved."""
        self.tell()


class FrontEnd:
    """Turns waveforms (1, S) into spectrograms, for its ``preprocess``: ours (mels, T), or its own (1, T, mels)."""

    def __init__(self, network: str) -> None:
        self.own = network == OWN
        if self.own:
            pipeline = shipped("preprocessing/log_mel_16k")["pipeline"]
            self.compute: Any = SmartCompose([autrainer.instantiate_shorthand(step) for step in pipeline])
        else:
            self.compute = classifier(network, 2).eval().network.front_end

    @torch.inference_mode()
    def __call__(self, samples: Tensor) -> Tensor:
        """Compute a spectrogram."""
        if self.own:
            return self.compute(DataItem(samples, 0, 0)).features  # type: ignore[no-any-return]
        return self.compute(samples, None)[0][0]  # type: ignore[no-any-return]


def shipped(name: str) -> Any:
    """Read one of the configurations that come with autrainer."""
    folder = Path(autrainer.__file__).parents[1] / "autrainer-configurations"
    return OmegaConf.to_container(OmegaConf.load(folder / f"{name}.yaml"))


def write_data(setting: Setting, folder: Path, *, spectrograms: bool) -> None:
    """Write the tables of the partitions and, if wanted, spectrograms as its ``preprocess`` does."""
    (folder / "default").mkdir(parents=True)
    front_end, audio, arrays = FrontEnd(setting.network), AudioFileHandler(RATE), NumpyFileHandler()
    for part, rows in setting.files().items():
        with (folder / f"{part}.csv").open("w", encoding="utf-8", newline="") as table:
            writer = csv.writer(table)
            writer.writerow(["filename", "label"])
            for number, (file, label) in enumerate(rows):
                name = f"{part}-{number}.npy" if spectrograms else str(file)
                if spectrograms:
                    arrays.save(str(folder / "default" / name), front_end(audio.load(str(file))))
                writer.writerow([name, label])


def transform(network: str, *, spectrograms: bool) -> dict[str, Any]:
    """Configure the crops and, where audio files are read, its own front end; ours is a part of our networks."""
    size, axis = WINDOW, -1
    if spectrograms:
        front_end = FrontEnd(network)
        size = front_end(torch.zeros(1, WINDOW)).shape[-2 if front_end.own else -1]
        axis = -2 if front_end.own else -1
    crop = {"autrainer.transforms.RandomCrop": {"size": size, "method": "replicate", "axis": axis, "order": -91}}
    if network != OWN:
        return {"type": "raw", "base": [crop]}
    steps = [] if spectrograms else shipped("preprocessing/log_mel_16k")["pipeline"]
    return {"type": "grayscale", "base": [crop, *steps]}


def model(network: str, *, spectrograms: bool) -> dict[str, Any]:
    """Configure the model."""
    if network == OWN:
        return shipped(f"model/{OWN}")  # type: ignore[no-any-return]
    ours = {"_target_": "autrainer_parts.Model", "network": network, "spectrograms": spectrograms}
    return {"id": "model", **ours, "transform": {"type": "raw"}}


def train(setting: Setting, folder: Path, tell: Callable[[], object], *, spectrograms: bool) -> None:
    """Train with the defaults of autrainer's configuration and of its Emo-DB, but for what ``setting`` says."""
    write_data(setting, folder / "data", spectrograms=spectrograms)
    audio = {"autrainer.datasets.utils.AudioFileHandler": {"target_sample_rate": RATE}}
    configuration = {
        "dataset": {
            "id": "corpus",
            "_target_": "autrainer_parts.Dataset",
            "path": str(folder / "data"),
            "features_subdir": "default",
            "index_column": "filename",
            "target_column": "label",
            "file_type": "npy" if spectrograms else None,
            "file_handler": "autrainer.datasets.utils.NumpyFileHandler" if spectrograms else audio,
            "criterion": "autrainer.criterions.BalancedCrossEntropyLoss",
            "metrics": ["autrainer.metrics.Accuracy", "autrainer.metrics.UAR", "autrainer.metrics.F1"],
            "tracking_metric": "autrainer.metrics.UAR",
            "transform": transform(setting.network, spectrograms=spectrograms),
        },
        "model": model(setting.network, spectrograms=spectrograms),
        "optimizer": {"id": "AdamW", "_target_": "torch.optim.AdamW"},
        "scheduler": {"id": "None", "_target_": "None"},
        "augmentation": {"_target_": "autrainer.augmentations.AugmentationPipeline", "pipeline": []},
        "plotting": {
            **dict.fromkeys(("latex", "pickle", "replace_none"), False),
            **dict.fromkeys(("add_titles", "add_xlabels", "add_ylabels"), True),
            "figsize": [10, 5],
            "filetypes": ["png"],
            "context": "notebook",
            "palette": "colorblind",
            "rcParams": {"legend.fontsize": 9},
        },
        "seed": 0,
        "training_type": "epoch",
        "iterations": setting.epochs,
        "batch_size": setting.batch_size,
        "inference_batch_size": setting.batch_size,
        "learning_rate": LEARNING_RATE,
        "eval_frequency": 1,
        "save_frequency": 1,
        "device": "cpu",
        "reproducible": True,
        **{f"{part}_loader_kwargs": {"num_workers": setting.workers} for part in ("train", "dev")},
        "progress_bar": True,
        **dict.fromkeys(("save_train_outputs", "save_dev_outputs", "save_test_outputs"), True),
    }
    told = Told(tell)  # autrainer keeps a weak reference to it
    ModularTaskTrainer(OmegaConf.create(configuration), str(folder / "runs" / "training" / "run")).train()
    assert told.tell is tell
