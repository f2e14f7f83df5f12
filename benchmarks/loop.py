"""What the harness costs: its epochs against the same network in a bare loop, on tensors that lie in memory already.

    python benchmarks/loop.py [--brief] [--repeats N] [--threads N] [--device cuda] [--publish] [NETWORK ...]

The bare loop (``Bare.epoch``) is what anybody would write in plain PyTorch: no files, no crops, no seeds, its windows
cut beforehand. Both take the same network, batches, optimiser and loss, and score dev at the end of the epoch; for the
harness the start and end of a whole training count, too. Our networks choose channels-last themselves; NCHW is the bare
loop in the memory format that PyTorch starts with. Each network has a process of its own, which its ways share: their
peak memory holds what the others of that network have left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from measuring import Cost, Way, interleaved, parser, show, table
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.config import Training
from emonet_bench.data.dataset import Clips
from emonet_bench.networks import Classifier, build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.training.loop import train
from emonet_bench.training.methods import methods_of
from emonet_bench.types import InputSpec, ParameterGroup, Plan, TrainingSet

RATE, WINDOW = 16_000, 48_000
LABELS = ("anger", "happiness", "neutral", "sadness")
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "cnn": ("cnn", {}),
    "cnn, 8 filters": ("cnn", {"number_of_filters": 8, "num_mels": 64, "classifier": "statistics"}),
    "rnn": ("rnn", {}),
}


@dataclass(frozen=True)
class Setting:
    """What all ways of one network share."""

    network: str
    train: Clips
    dev: Clips
    recipe: Training
    directory: Path

    def classifier(self) -> Classifier:
        """Build the network, each time with the same weights."""
        name, options = NETWORKS[self.network]
        architecture = plugins().architectures[name]
        torch.manual_seed(0)
        built = architecture.build(architecture.options(**options), InputSpec(RATE, WINDOW))
        return build_classifier(built, [TrainingSet("noise", LABELS, len(self.train))]).to(self.recipe.device)


@cache
def plugins() -> Plugins:
    """Load the plugins, once, as a worker process does for all of its cells."""
    return Plugins(Selection(strict=True))


class Bare:
    """A bare loop over windows (N, S) and targets (N,) in memory."""

    def __init__(self, network: nn.Module, recipe: Training, train: Sequence[Tensor], dev: Sequence[Tensor]) -> None:
        self.network, self.train, self.dev, self.size = network, train, dev, recipe.batch_size
        self.autocast = partial(torch.autocast, recipe.device, torch.bfloat16, recipe.precision == "bfloat16")
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)

    def epoch(self) -> float:
        """Train for an epoch; return the accuracy on dev."""
        (waveforms, targets), (heard, truth) = self.train, self.dev
        self.network.train()
        total = 0.0
        for index in torch.randperm(len(targets), device=targets.device).split(self.size):
            self.optimiser.zero_grad(set_to_none=True)
            with self.autocast():
                logits = self.network(waveforms[index])
            loss = F.cross_entropy(logits.float(), targets[index], label_smoothing=0.1)
            loss.backward()
            self.optimiser.step()
            total += loss.detach()
        self.network.eval()
        with torch.inference_mode():
            found = torch.cat([self.network(part).argmax(-1) for part in heard.split(self.size)])
        return float((found == truth).float().mean()) + 0 * float(total)


def harness(setting: Setting, whole: Classifier, recipe: Training) -> None:
    """Train for an epoch as a cell does, in an empty folder: what an interrupted training has left is continued."""
    plan = Plan(whole, [ParameterGroup(list(whole.parameters()))])
    with TemporaryDirectory(dir=setting.directory) as folder:
        parts = {"noise": setting.train}, {"noise": setting.dev}
        train(plan, *parts, recipe, seed=0, directory=Path(folder), methods=methods_of(recipe, plugins()))


def ways(setting: Setting) -> Iterator[tuple[str, Way]]:
    """Yield all ways, each with its name; every one keeps its network."""
    windows = [(c.samples.view(-1, WINDOW).float() / 32768, c.targets) for c in (setting.train, setting.dev)]
    for precision in ("float32", "bfloat16"):
        recipe = setting.recipe.model_copy(update={"precision": precision})
        yield f"harness, {precision}", partial(harness, setting, setting.classifier(), recipe)
        yield f"bare, {precision}", Bare(setting.classifier(), recipe, *windows).epoch
    plain = setting.classifier()
    plain.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    yield "bare, float32, NCHW", Bare(plain, setting.recipe, *windows).epoch


def noise(count: int, device: str, seed: int) -> Clips:
    """Make clips of the window's length, so that the bare loop needs no crops."""
    generator = torch.Generator().manual_seed(seed)
    return Clips(
        samples=torch.randint(-8000, 8000, (count * WINDOW,), generator=generator, dtype=torch.int16),
        starts=torch.arange(count) * WINDOW,
        lengths=torch.full((count,), WINDOW),
        targets=torch.arange(count) % len(LABELS),
        labels=LABELS,
        names=tuple(map(str, range(count))),
        speakers=(None,) * count,
        sampling_rate=RATE,
    ).to(torch.device(device))


def measured(network: str, steps: int, repeats: int, threads: int, device: str) -> dict[str, Cost]:
    """Measure all ways of one network. In a process of its own."""
    torch.set_num_threads(threads)
    recipe = Training(epochs=1, device=device, precision="float32")
    clips = [noise(count * recipe.batch_size, device, seed) for seed, count in enumerate((steps, 1))]
    with TemporaryDirectory() as directory:
        return interleaved(dict(ways(Setting(network, clips[0], clips[1], recipe, Path(directory)))), repeats)


def rows(network: str, found: Mapping[str, Cost]) -> Iterator[list[str]]:
    """Yield a row for each way of one network."""
    for way, own in found.items():
        same, plain = found[way.replace("harness", "bare")], found["bare, float32, NCHW"]
        yield [
            *(network, way, f"{own.seconds:.3f}", f"{own.processor:.3f}", f"{own.peak_mb:.0f}"),
            f"{own.seconds / same.seconds:.3f}" if own is not same else "-",
            f"{own.seconds / plain.seconds:.3f}",
        ]


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("networks", nargs="*", metavar="NETWORK", help=f"of {', '.join(NETWORKS)} [default: all]")
    options.add_argument("--repeats", type=int, default=3, help="rounds [default: 3]")
    options.add_argument("--steps", type=int, default=8, help="batches of 32 clips in an epoch [default: 8]")
    options.add_argument("--threads", type=int, default=1, help="threads of every way [default: 1]")
    options.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    given = options.parse_args()
    if given.brief:
        given.networks, given.repeats, given.steps = ["rnn"], 1, 1
    networks = given.networks or list(NETWORKS)
    measure = partial(measured, steps=given.steps, repeats=given.repeats, threads=given.threads, device=given.device)
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as alone:
        found = dict(zip(networks, alone.map(measure, networks), strict=True))
    lines = [row for network in networks for row in rows(network, found[network])]
    head = ["network", "way", "seconds an epoch", "of processor", "peak, MiB", "against bare", "against NCHW"]
    said = (
        f"An epoch: {given.steps} batches of 32 windows of 3 s, and 32 dev clips; {given.threads} threads, "
        f"{given.device}; medians of {given.repeats} rounds."
    )
    show("Bare loop", [said, table(head, lines)], publish=given.publish)


if __name__ == "__main__":
    main()
