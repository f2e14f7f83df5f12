"""One training for ``frameworks.py``, in a process of its own: by this harness, by autrainer or by speechbrain.

    python benchmarks/framework_trainings.py WAY SETTING FOLDER

SETTING is JSON, see ``Setting``. Prints what the clocks showed at the end of every epoch, as JSON. All ways train what
``classifier`` builds, on crops of WINDOW samples, with AdamW; the others are used as their documentation shows, with
the defaults of their configuration.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import peak_mb
from torch import Tensor, nn

from emonet_bench.config import Training
from emonet_bench.data.opened_corpus import OpenCorpus, open_corpus
from emonet_bench.directories import cache_directory
from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.spectrogram import LogMel
from emonet_bench.networks import Classifier, build_classifier, parameter_groups
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.training.loop import train
from emonet_bench.types import AdapterPoint, InputSpec, Partition, Plan, TrainingSet

RATE, WINDOW, MELS, HOP = 16_000, 48_000, 64, 256
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Setting:
    """What all ways share: names of a corpus and a network, and how much is trained."""

    network: str
    corpus: str
    epochs: int
    batch_size: int
    threads: int
    limit: int | None

    def opened(self) -> OpenCorpus:
        """Open the corpus with its first protocol."""
        corpus = Plugins(Selection(strict=True)).corpora[self.corpus]
        return open_corpus(corpus, next(iter(corpus.protocols)), RATE, cache_directory())

    def files(self) -> dict[Partition, list[tuple[Path, str]]]:
        """List the files of each partition with their labels."""
        opened = self.opened()
        each = [(Path(str(one.file)), str(one.label)) for one in opened.utterances]
        divided = opened.divide(opened.fold_or_first(None), self.limit)
        return {part: [each[place] for place in places] for part, places in divided.items()}


class ResNet(nn.Module):
    """torchvision's ResNet-18 over a log-mel spectrogram."""

    dim = 512

    def __init__(self) -> None:
        from torchvision.models import resnet18  # noqa: PLC0415 - only one network needs it

        super().__init__()
        self.front_end = LogMel(FrontEndOptions(num_mels=MELS, n_fft=512, hop=HOP), RATE)
        self.trunk = resnet18(weights=None)
        self.trunk.fc = nn.Identity()

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Map waveforms (N, S) to (N, D)."""
        return self.embed_features(*self.front_end(waveform, lengths))

    def embed_features(self, features: Tensor, _mask: Tensor | None) -> Tensor:
        """Map spectrograms (N, mels, T) of windows that are full to (N, D)."""
        embedding: Tensor = self.trunk(features[:, None].expand(-1, 3, -1, -1))
        return embedding

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name no place for anything."""
        return {}


def small_cnn() -> Any:
    """Build a ``cnn`` of eight filters."""
    architecture = Plugins(Selection(strict=True)).architectures["cnn"]
    options = architecture.options(number_of_filters=8, num_mels=MELS, n_fft=512, hop=HOP, classifier="statistics")
    return architecture.build(options, InputSpec(RATE, WINDOW))


NETWORKS: Mapping[str, Callable[[], Any]] = {"cnn, 8 filters": small_cnn, "ResNet-18": ResNet}


def classifier(network: str, classes: int) -> Classifier:
    """Build a network with its head, each time with the same weights."""
    torch.manual_seed(0)
    labels = tuple(map(str, range(classes)))
    return build_classifier(NETWORKS[network](), [TrainingSet("corpus", labels, 0)])


class Clocks:
    """Notes seconds and processor seconds at the end of each epoch."""

    def __init__(self) -> None:
        self.shown: list[tuple[float, float]] = []

    def note(self, *_: object) -> None:
        """Look at both clocks."""
        self.shown.append((time.perf_counter(), time.process_time()))


def harness(precision: str, setting: Setting, folder: Path, clocks: Clocks) -> None:
    """Train as a cell does."""
    opened = setting.opened()
    divided = opened.divide(opened.fold_or_first(None), setting.limit)
    parts = {part: opened.clips(divided[part]) for part in ("train", "dev")}
    recipe = Training(
        epochs=setting.epochs,
        batch_size=setting.batch_size,
        learning_rate=LEARNING_RATE,
        window=WINDOW / RATE,
        evaluation="centre",  # as long as the crops that the others score
        device="cpu",
        precision=precision,
    )
    whole = classifier(setting.network, len(parts["train"].labels))
    plan = Plan(whole, parameter_groups(whole.parameters()))
    train(plan, {"corpus": parts["train"]}, {"corpus": parts["dev"]}, recipe, 0, clocks.note, folder)


def autrainer(inputs: str, setting: Setting, folder: Path, clocks: Clocks) -> None:
    """Train with autrainer on audio files, or on spectrograms that were computed beforehand (its ``preprocess``)."""
    import autrainer_parts  # noqa: PLC0415 - the other ways need none of it

    spectrograms = inputs == "spectrograms"
    front_end = classifier(setting.network, 2).network.front_end if spectrograms else None
    (folder / "data" / "default").mkdir(parents=True)
    for part, rows in setting.files().items():
        with (folder / "data" / f"{part}.csv").open("w", encoding="utf-8", newline="") as table:
            writer = csv.writer(table)
            writer.writerow(["filename", "label"])
            for number, (file, label) in enumerate(rows):
                name = str(file)
                if front_end is not None:
                    name = f"{part}-{number}.npy"
                    np.save(folder / "data" / "default" / name, autrainer_parts.spectrogram(front_end, file))
                writer.writerow([name, label])
    frames = FrontEndOptions(n_fft=512, hop=HOP).frames(WINDOW)
    autrainer_parts.train(setting, spectrograms, frames if spectrograms else WINDOW, folder, clocks.note)


def speechbrain(setting: Setting, folder: Path, clocks: Clocks) -> None:
    """Train with speechbrain, reading audio files."""
    import speechbrain_parts  # noqa: PLC0415 - the other ways need none of it

    speechbrain_parts.train(setting, folder, clocks.note)


WAYS: Mapping[str, Callable[[Setting, Path, Clocks], None]] = {
    "harness, bfloat16": partial(harness, "bfloat16"),
    "harness, float32": partial(harness, "float32"),
    "autrainer, spectrograms kept": partial(autrainer, "spectrograms"),
    "autrainer, audio files": partial(autrainer, "audio"),
    "speechbrain, audio files": speechbrain,
}


def main() -> None:
    """Train in one way; print what it took."""
    way, text, folder = sys.argv[1:]
    setting, clocks = Setting(**json.loads(text)), Clocks()
    torch.set_num_threads(setting.threads)
    WAYS[way](setting, Path(folder), clocks)
    print(json.dumps({"clocks": clocks.shown, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
