"""What autrainer needs to train ``framework_trainings.classifier``: a model, a dataset, a callback, a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile
import torch
from autrainer.core.callbacks import CallbackMixin
from autrainer.datasets.abstract_dataset import BaseClassificationDataset
from autrainer.models import AbstractModel
from autrainer.training import ModularTaskTrainer
from framework_trainings import LEARNING_RATE, NETWORKS, Setting, classifier
from omegaconf import OmegaConf
from torch import Tensor, nn


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


@torch.inference_mode()
def spectrogram(front_end: nn.Module, file: Path) -> Any:
    """Compute a file's spectrogram (mels, T)."""
    samples, _ = soundfile.read(file, dtype="float32")
    return front_end.eval()(torch.from_numpy(samples)[None], None)[0][0].numpy()


def train(setting: Setting, spectrograms: bool, size: int, folder: Path, tell: Callable[[], object]) -> None:  # noqa: FBT001
    """Train with the defaults of autrainer's configuration and of its Emo-DB, but for what ``setting`` says."""
    audio = {"autrainer.datasets.utils.AudioFileHandler": {"target_sample_rate": 16_000}}
    crop = {"autrainer.transforms.RandomCrop": {"size": size, "method": "replicate", "axis": -1}}
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
            "transform": {"type": "raw", "base": [crop]},
        },
        "model": {
            "id": "model",
            "_target_": "autrainer_parts.Model",
            "network": setting.network,
            "spectrograms": spectrograms,
            "transform": {"type": "raw"},
        },
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
        "progress_bar": True,
        **dict.fromkeys(("save_train_outputs", "save_dev_outputs", "save_test_outputs"), True),
    }
    told = Told(tell)  # autrainer keeps a weak reference to it
    ModularTaskTrainer(OmegaConf.create(configuration), str(folder / "runs" / "training" / "run")).train()
    assert told.tell is tell
