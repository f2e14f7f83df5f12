"""What the feature store costs: building it against a plain loop of the same forward passes, and a cell afterwards.

    python benchmarks/features.py [--brief] [--clips N] [--repeats N] [--device cuda] [--publish]

The frozen part is a stand-in for a pre-trained model: convolutions and six layers of a transformer, 512 wide, with
random weights, on noise as long as Emo-DB's clips. Its rows are the mean and standard deviation of two layers, so that
a small head trains on 2,048 numbers of each clip. Everything runs on one thread.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, Literal

import torch
from measuring import interleaved, parser, show, table, timed
from torch import Tensor, nn

from emonet_bench.config import Training
from emonet_bench.data.dataset import Clips
from emonet_bench.features.identity import identify
from emonet_bench.networks import Classifier, build_classifier, parameter_groups
from emonet_bench.training.features import attach_features
from emonet_bench.training.linear_models import LinearHead, fit_linear_model
from emonet_bench.training.loop import train
from emonet_bench.training.prediction import predict
from emonet_bench.types import FrozenFeatures, Partition, Plan, TrainingSet

RATE, WIDTH, LAYERS = 16_000, 512, 6
LABELS = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")


class StandIn(nn.Module):
    """A frozen transformer, standardised rows, and a head."""

    mean: Tensor
    scale: Tensor

    def __init__(self, *, linear: bool) -> None:
        super().__init__()
        self.linear, self.dim = linear, 4 * WIDTH
        self.convolutions = nn.Sequential(
            nn.Conv1d(1, WIDTH, 400, stride=160), nn.GELU(), nn.Conv1d(WIDTH, WIDTH, 3, 2)
        )
        layer = nn.TransformerEncoderLayer(WIDTH, 8, 4 * WIDTH, batch_first=True)
        self.layers = nn.ModuleList(nn.TransformerEncoder(layer, LAYERS // 2) for _ in range(2))
        self.register_buffer("mean", torch.zeros(self.dim))
        self.register_buffer("scale", torch.ones(self.dim))
        self.requires_grad_(requires_grad=False)

    def frozen(self, waveform: Tensor, lengths: Tensor | None) -> FrozenFeatures:
        """Compute the rows (N, 4 x WIDTH) of waveforms that fill their rows."""
        assert lengths is None
        hidden, rows = self.convolutions(waveform[:, None]).transpose(1, 2), []
        for layer in self.layers:
            hidden = layer(hidden)
            rows += [hidden.mean(1), hidden.std(1)]
        return FrozenFeatures(torch.cat(rows, 1))

    def embed_frozen(self, features: FrozenFeatures) -> Tensor:
        """Standardise rows (N, D)."""
        return (features.values - self.mean) / self.scale

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S)."""
        return self.embed_frozen(self.frozen(waveform, lengths))

    def frozen_id(self) -> str:
        """Identify the weights, as a plugin does."""
        return identify({}, self.state_dict(), [StandIn])

    def adapter_points(self) -> Mapping[str, Any]:
        """Return none."""
        return {}

    def make_head(self, classes: int) -> nn.Module:
        """Make a linear head for the fitted model, and a small one for gradients."""
        if self.linear:
            return LinearHead(self.dim, classes)
        return nn.Sequential(nn.Linear(self.dim, 128), nn.ReLU(), nn.Linear(128, classes))


@dataclass(frozen=True)
class Setting:
    """What all ways share."""

    clips: Mapping[str, Mapping[Partition, Clips]]
    device: Literal["cpu", "cuda"] = "cpu"

    @property
    def recipe(self) -> Training:
        """The recipe of every cell."""
        return Training(epochs=20, window=None, device=self.device, precision="float32")

    def classifier(self, *, linear: bool = False) -> Classifier:
        """Build the network, each time with the same weights."""
        torch.manual_seed(0)
        return build_classifier(StandIn(linear=linear), [TrainingSet("noise", LABELS, 0)]).eval().to(self.device)

    def loop(self) -> None:
        """Run the frozen part on every clip, and keep nothing."""
        network = self.classifier().network
        with torch.no_grad():
            for own in self.clips["noise"].values():
                for place in range(len(own)):
                    network.frozen(own.whole(torch.tensor([place], device=self.device)).waveform, None)  # type: ignore[attr-defined]

    def build(self) -> None:
        """Build the store, in a directory of its own."""
        with TemporaryDirectory() as folder:
            os.environ["EMONET_BENCH_FEATURES_DIR"] = folder
            attach_features(self.classifier(), self.clips, self.recipe, fitted=False)

    def afterwards(self) -> list[list[str]]:
        """Run cells on a store that is there; return rows of a table."""
        head, fitted = self.classifier(), self.classifier(linear=True)
        options, found = SimpleNamespace(c_grid=(1e-4, 1e-3, 1e-2), balanced=True, batch_size=64), {}
        attach_features(head, self.clips, self.recipe, fitted=False)
        opening = timed(lambda: found.update(attach_features(head, self.clips, self.recipe, fitted=False)[0]))
        parts = found["noise"]
        groups = parameter_groups(p for p in head.parameters() if p.requires_grad)
        epochs: list[float] = []
        train(
            Plan(head, groups),
            {"noise": parts["train"]},
            {"noise": parts["dev"]},
            self.recipe,
            0,
            lambda e: epochs.append(e.seconds),
        )
        testing = timed(lambda: predict(head, parts["test"], self.recipe))
        fitting = timed(lambda: fit_linear_model(fitted, parts["train"], parts["dev"], options, 0))
        return [
            ["identity of the weights, and opening what is kept", f"{opening:.2f} s"],
            ["an epoch of a head 2,048 x 128 x 7, dev scored", f"{sorted(epochs)[len(epochs) // 2]:.3f} s"],
            ["scoring test", f"{testing:.3f} s"],
            ["linear support vector machines for three C", f"{fitting:.2f} s"],
        ]


def noise(count: int, seed: int, device: str) -> Clips:
    """Make clips of 1.2 to 4.4 s."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(round(1.2 * RATE), round(4.4 * RATE), (count,), generator=generator)
    samples = torch.randint(-3000, 3000, (int(lengths.sum()),), generator=generator, dtype=torch.int16)
    names = tuple(f"{seed}/{place}" for place in range(count))
    targets = torch.arange(count) % len(LABELS)
    clips = Clips(samples, lengths.cumsum(0) - lengths, lengths, targets, LABELS, names, (None,) * count, RATE)
    return clips.to(torch.device(device))


def main() -> None:
    """Measure and show."""
    options = parser(__doc__)
    options.add_argument("--clips", type=int, default=535)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    given = options.parse_args()
    clips, repeats = (35, 1) if given.brief else (given.clips, given.repeats)
    torch.set_num_threads(1)
    sizes = {
        "train": round(0.6 * clips),
        "dev": round(0.2 * clips),
        "test": clips - round(0.6 * clips) - round(0.2 * clips),
    }
    parts: dict[Partition, Clips] = {}
    for seed, (part, size) in enumerate(sizes.items()):
        parts[part] = noise(size, seed, given.device)  # type: ignore[index]
    setting = Setting({"noise": parts}, given.device)
    costs = interleaved({"plain loop": setting.loop, "building": setting.build}, repeats)
    base = costs["plain loop"]
    rows = [
        [name, f"{cost.seconds:.1f} s", f"{cost.processor:.1f} s", f"{cost.processor / base.processor:.3f}"]
        for name, cost in costs.items()
    ]
    with TemporaryDirectory() as folder:
        os.environ["EMONET_BENCH_FEATURES_DIR"] = folder
        later = setting.afterwards()
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.safetensors"))
    show(
        f"Feature store, {clips} clips, {given.device}",
        [
            table(["", "time", "processor time", "of the plain loop"], rows),
            table([f"a cell afterwards ({size / 1e6:.1f} MB kept)", "time"], later),
        ],
        publish=given.publish,
    )


if __name__ == "__main__":
    main()
