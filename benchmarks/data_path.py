"""What it takes to bring audio to a network: the harness against a DataLoader that decodes clip by clip.

    python benchmarks/data_path.py [--brief] [--clips N] [--repeats N] [--device cuda] [--publish]

The DataLoader is the usual one: each worker decodes a WAV file, cuts a random window and computes its log-mel
spectrogram; the main process trains on batches of them. The harness cuts windows out of the audio store and computes
the spectrograms of a whole batch, in one process. Both train the same network on 64 mel bands, in the same windows of
three seconds: the smallest that there can be, a dense layer on the mean of the bands, and a ``cnn`` of four filters.
Only the DataLoader's workers have cores of their own beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
import torch
from measuring import interleaved, parser, show, table
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention
from torch.utils.data import DataLoader, Dataset
from torchaudio.transforms import MelSpectrogram

from emonet_bench.data.dataset import Clips, gathered, shuffled, sliced
from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.spectrogram import LogMel
from emonet_bench.networks import Classifier, build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.types import AdapterPoint, InputSpec, TrainingSet

RATE, WINDOW, BATCH, MELS = 16_000, 48_000, 32, 64
LABELS = ("anger", "happiness", "neutral", "sadness")

Batches = Callable[[], Iterator[tuple[Tensor, Tensor]]]


class Decoded(Dataset[tuple[Tensor, int]]):
    """Log-mel spectrograms of random windows, decoded and computed clip by clip."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.mel = MelSpectrogram(RATE, 1024, hop_length=512, n_mels=MELS, center=False)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Return a spectrogram (mels, T) and its label."""
        clip = torch.from_numpy(soundfile.read(self.files[index], dtype="float32")[0])
        start = int(torch.randint(max(1, len(clip) - WINDOW + 1), ()))
        window = clip[start : start + WINDOW]
        return (self.mel(F.pad(window, (0, WINDOW - len(window)))) + 1e-6).log(), index % len(LABELS)


class Mean(nn.Module):
    """The mean of each mel band: as little of a network as there can be."""

    dim = MELS

    def __init__(self) -> None:
        super().__init__()
        self.front_end = LogMel(FrontEndOptions(num_mels=MELS), RATE)

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Map waveforms (N, S) to (N, mels)."""
        return self.embed_features(*self.front_end(waveform, lengths))

    def embed_features(self, features: Tensor, _mask: Tensor | None) -> Tensor:
        """Map spectrograms (N, mels, T) of windows that are full to (N, mels)."""
        return features.mean(-1)

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name no place for anything."""
        return {}


def small_cnn() -> Any:
    """Build a ``cnn`` of four filters."""
    architecture = Plugins(Selection(strict=True)).architectures["cnn"]
    options = architecture.options(number_of_filters=4, num_mels=MELS, classifier="statistics")
    return architecture.build(options, InputSpec(RATE, WINDOW))


NETWORKS: Mapping[str, Callable[[], Any]] = {"dense layer": Mean, "cnn, 4 filters": small_cnn}


def files(folder: Path, count: int) -> list[Path]:
    """Write clips of noise, two to five seconds long."""
    draws = np.random.default_rng(0)
    paths = [folder / f"{number:05}.wav" for number in range(count)]
    for path in paths:
        soundfile.write(path, draws.integers(-8000, 8000, draws.integers(2 * RATE, 5 * RATE), dtype=np.int16), RATE)
    return paths


def stored(paths: list[Path], device: str) -> Clips:
    """Put the same clips into memory, as the audio store has them."""
    clips = [torch.from_numpy(soundfile.read(path, dtype="int16")[0]) for path in paths]
    lengths = torch.tensor([len(clip) for clip in clips])
    return Clips(
        samples=torch.cat(clips),
        starts=lengths.cumsum(0) - lengths,
        lengths=lengths,
        targets=torch.arange(len(clips)) % len(LABELS),
        labels=LABELS,
        names=tuple(path.name for path in paths),
        speakers=(None,) * len(paths),
        sampling_rate=RATE,
    ).to(torch.device(device))


def train(whole: Classifier, batches: Batches, logits: Callable[[Tensor], Tensor]) -> None:
    """Train for an epoch."""
    optimiser = torch.optim.AdamW(whole.parameters())
    whole.train()
    for inputs, targets in batches():
        optimiser.zero_grad(set_to_none=True)
        F.cross_entropy(logits(inputs), targets).backward()
        optimiser.step()


def crops(clips: Clips) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield an epoch's waveforms (N, S) and targets, as training does."""
    for drawn in shuffled(len(clips), BATCH):
        batch = clips.crop(drawn.to(clips.starts.device, non_blocking=True), WINDOW, "repeat")
        yield batch.waveform, batch.targets


def rows(network: str, paths: list[Path], clips: Clips, cores: int, repeats: int) -> Iterator[list[str]]:
    """Measure one network with so many workers, or threads; yield a row for each way."""
    device = clips.samples.device
    built = NETWORKS[network]()
    whole = build_classifier(built, [TrainingSet("noise", LABELS, len(clips))]).to(device)
    # Workers are forked as by default on Linux, each with one thread, and live on from epoch to epoch.
    loader = DataLoader(Decoded(paths), BATCH, shuffle=True, num_workers=cores, persistent_workers=True)

    def loaded() -> Iterator[tuple[Tensor, Tensor]]:
        for features, targets in loader:
            yield features.to(device, non_blocking=True), targets.to(device, non_blocking=True)

    def threads(number: int, way: Callable[[], None]) -> None:
        torch.set_num_threads(number)
        way()

    hear = partial(train, whole, lambda: crops(clips), whole)
    see = partial(train, whole, loaded, lambda features: whole.heads(built.embed_features(features, None)))
    ways = {
        f"DataLoader, {cores} workers": partial(threads, 1, see),
        "harness, 1 thread": partial(threads, 1, hear),
        f"harness, {cores} threads": partial(threads, cores, hear),
        "harness, until the first batch": lambda: next(crops(clips)),
    }
    found = interleaved(ways, repeats)
    against = found[f"DataLoader, {cores} workers"].seconds
    for way, own in found.items():
        ratio = "-" if "first" in way else f"{against / own.seconds:.2f}"
        yield [network, way, f"{1000 * own.seconds:.0f}", f"{own.peak_mb:.0f}", ratio]


def windows(clips: Clips, repeats: int) -> Iterator[list[str]]:
    """Measure how a batch's windows are copied; yield a row for each way."""
    first, kept = clips.starts[:BATCH], clips.lengths[:BATCH].clamp_max(WINDOW)
    ways = {way: partial(way, clips.samples, first, kept, WINDOW, "repeat") for way in (sliced, gathered)}
    found = interleaved({way.__name__: copy for way, copy in ways.items()}, repeats)
    for name, own in found.items():
        yield [name, f"{1000 * own.seconds:.2f}", f"{own.peak_mb:.0f}", f"{own.seconds / found['sliced'].seconds:.1f}"]


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("--clips", type=int, default=640, help="in an epoch [default: 640]")
    options.add_argument("--repeats", type=int, default=5, help="rounds [default: 5]")
    options.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    given = options.parse_args()
    cores = len(os.sched_getaffinity(0))
    if given.brief:  # threads that wait for each other take minutes where others need the cores
        given.clips, given.repeats, cores = 64, 1, 1
    with TemporaryDirectory() as folder:
        paths = files(Path(folder), given.clips)
        clips = stored(paths, given.device)
        lines = [line for network in NETWORKS for line in rows(network, paths, clips, cores, given.repeats)]
    torch.set_num_threads(1)
    copied = list(windows(clips, 20 * given.repeats))
    said = (
        f"{given.clips} clips of 2 to 5 s in an epoch, batches of {BATCH}, {given.device}; medians of {given.repeats} "
        "rounds. Peak memory is the main process's."
    )
    head = ["network", "way", "ms an epoch", "peak, MiB", "times as fast as the DataLoader"]
    parts = [said, table(head, lines)]
    parts += ["A batch's windows, one thread:", table(["copied", "ms", "peak, MiB", "times as long"], copied)]
    show("Data path", parts, publish=given.publish)


if __name__ == "__main__":
    main()
