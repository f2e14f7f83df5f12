"""What speechbrain needs to train ``framework_trainings.classifier``: data pipelines, a Brain, a checkpointer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import speechbrain as sb
import torch
from framework_trainings import LEARNING_RATE, WINDOW, Setting, classifier
from speechbrain.dataio.dataio import read_audio
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.utils.checkpoints import Checkpointer
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own convention


class Brain(sb.Brain):  # type: ignore[misc]
    """Classifies crops, as speechbrain's recipes for emotions do."""

    tell: Callable[[], object]

    def compute_forward(self, batch: Any, stage: sb.Stage) -> Tensor:  # noqa: ARG002 - the interface's
        """Return logits (N, classes)."""
        batch = batch.to(self.device)
        logits: Tensor = self.modules.classifier(batch.crop.data, None)
        return logits

    def compute_objectives(self, predictions: Tensor, batch: Any, stage: sb.Stage) -> Tensor:
        """Return the loss; count on dev."""
        targets = batch.target.data[:, 0]
        if stage != sb.Stage.TRAIN:
            self.right += int((predictions.argmax(-1) == targets).sum())
        return F.cross_entropy(predictions, targets)

    def on_stage_start(self, stage: sb.Stage, epoch: int | None = None) -> None:  # noqa: ARG002
        """Begin to count."""
        self.right = 0

    def on_stage_end(self, stage: sb.Stage, stage_loss: float, epoch: int | None = None) -> None:  # noqa: ARG002
        """Save, keep the best and tell."""
        if stage == sb.Stage.VALID:
            self.checkpointer.save_and_keep_only(meta={"right": self.right}, max_keys=["right"])
            self.tell()


@sb.utils.data_pipeline.takes("file")
@sb.utils.data_pipeline.provides("crop")
def crop(file: str) -> Tensor:
    """Read a file and cut a random window; a short clip is repeated."""
    samples: Tensor = read_audio(file)
    samples = samples.repeat(-(-WINDOW // len(samples)))
    start = int(torch.randint(len(samples) - WINDOW + 1, ()))
    return samples[start : start + WINDOW]


def train(setting: Setting, folder: Path, tell: Callable[[], object]) -> None:
    """Train with speechbrain's defaults, but for what ``setting`` says."""
    parts = setting.files()
    encoder = CategoricalEncoder()
    encoder.update_from_iterable(sorted({label for _, label in parts["train"]}), sequence_input=False)
    encoder.expect_len(len(encoder))
    target = sb.utils.data_pipeline.provides("target")(
        sb.utils.data_pipeline.takes("label")(lambda label: torch.tensor([encoder.encode_label(label)]))
    )
    sets = {
        part: DynamicItemDataset(
            {str(number): {"file": str(file), "label": label} for number, (file, label) in enumerate(parts[part])},
            [crop, target],
            ["id", "crop", "target"],
        )
        for part in ("train", "dev")
    }
    network = classifier(setting.network, len(encoder))
    brain = Brain(
        {"classifier": network},
        partial(torch.optim.AdamW, lr=LEARNING_RATE),
        run_opts={"device": "cpu"},
        checkpointer=Checkpointer(str(folder / "save"), {"classifier": network}),
    )
    brain.tell = tell
    loader = {"batch_size": setting.batch_size, "num_workers": setting.workers}
    brain.fit(
        range(1, setting.epochs + 1),
        sets["train"],
        sets["dev"],
        progressbar=True,
        train_loader_kwargs={**loader, "shuffle": True},
        valid_loader_kwargs=loader,
    )
