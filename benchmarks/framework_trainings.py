"""One training for ``frameworks.py``, in a process of its own: by this harness, by autrainer or by speechbrain.

    python benchmarks/framework_trainings.py WAY SETTING FOLDER

SETTING is JSON, see ``Setting``. Prints what the clocks showed at the end of every epoch, as JSON. All ways train what
``classifier`` builds (autrainer has a ResNet-18 of its own), on crops of WINDOW samples, with AdamW; the others are
used as their documentation shows, with the defaults of their configuration.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from measuring import peak_mb

from emonet_bench.config import Training
from emonet_bench.data.opened_corpus import OpenCorpus, open_corpus
from emonet_bench.directories import cache_directory
from emonet_bench.networks import Classifier, build_classifier, parameter_groups
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.training.loop import train
from emonet_bench.types import InputSpec, Partition, Plan, TrainingSet

RATE, WINDOW = 16_000, 48_000
LEARNING_RATE = 1e-3
RESNET18 = Path(__file__).with_name("resnet18.py")


@dataclass(frozen=True)
class Setting:
    """What all ways share: names of a corpus and a network, and how much is trained."""

    network: str
    corpus: str
    epochs: int
    batch_size: int
    threads: int
    workers: int
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


NETWORKS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "cnn, 8 filters": ("cnn", {"number_of_filters": 8, "classifier": "statistics", "hop": 256}),
    "ResNet-18": ("resnet18", {"hop": 160, "f_min": 50.0}),  # as autrainer's log_mel_16k
}
"""Architecture and options of each network."""


def classifier(network: str, classes: int) -> Classifier:
    """Build a network with its head, each time with the same weights."""
    name, options = NETWORKS[network]
    architecture = Plugins(Selection(files=(RESNET18,), strict=True)).architectures[name]
    torch.manual_seed(0)
    built = architecture.build(architecture.options(num_mels=64, n_fft=512, **options), InputSpec(RATE, WINDOW))
    return build_classifier(built, [TrainingSet("corpus", tuple(map(str, range(classes))), 0)])


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

    autrainer_parts.train(setting, folder, clocks.note, spectrograms=inputs == "spectrograms")


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
