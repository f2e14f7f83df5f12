"""Cells of a fraction of a second: in a worker that keeps plugins and corpora, and in a process that keeps nothing.

    python benchmarks/small_cells.py [--brief] [--corpus NAME] [--repeats N] [--publish] [ARCHITECTURE ...]

A cell is all of ``run_cell``: its plugins, its corpus, training, scores and files, without the start of the process.
Both ways run the same cells, in turn, in this process; only the seeds differ. ``rnn`` is a small one, trained for two
epochs. Then eight linear heads on features that are kept: trained one after the other, and stacked into one batched
product, on batches of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from measuring import interleaved, parser, show, table
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.data.opened_corpus import open_corpus
from emonet_bench.directories import cache_directory
from emonet_bench.matrix.cells.cell import Job, run_cell
from emonet_bench.matrix.cells.worker import WORKER
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.matrix.planning.planner import Planner
from emonet_bench.matrix.resources import resolve
from emonet_bench.plugins.loading import Plugins, Selection

TRAINING = {"epochs": 2, "window": 1.0, "device": "cpu", "precision": "float32"}
OPTIONS: dict[str, Any] = {"rnn": {"features": "logmel", "num_mels": 32, "hidden_dim": 32, "number_of_layers": 1}}
HEADS, CLIPS, DIM, LABELS, BATCH = 8, 512, 512, 7, 32


def jobs(architecture: str, corpus: str, cells: int, results: Path) -> Iterator[Job]:
    """Plan so many cells, one for each seed."""
    plugins = Plugins(Selection(strict=True))
    options = {name: given for name, given in OPTIONS.items() if name == architecture}
    matrix = Matrix(
        corpora=[corpus], architectures=[architecture], seeds=list(range(cells)), training=TRAINING, options=options
    )
    planner = Planner(
        matrix, plugins, lambda name, rate: open_corpus(plugins.corpora[name], None, rate, cache_directory()), resolve
    )
    return (Job(cell, Selection(), results) for cell in planner.cells())


def some_cells(left: Iterator[Job], number: int, *, keeps: bool) -> None:
    """Run so many of the cells that are left; what the other way keeps is still there when its turn comes."""
    of_the_worker = WORKER.plugins, WORKER.corpora
    if not keeps:
        WORKER.plugins, WORKER.corpora = None, {}
    WORKER.keeps = keeps
    for _ in range(number):
        if reason := run_cell(next(left)):
            raise SystemExit(reason)
    if not keeps:
        WORKER.plugins, WORKER.corpora = of_the_worker


def cell_rows(architectures: Sequence[str], corpus: str, number: int, repeats: int) -> Iterator[list[str]]:
    """Measure cells of each architecture; yield a row for each way."""
    for architecture in architectures:
        with TemporaryDirectory() as folder:
            left = jobs(architecture, corpus, 2 * number * (repeats + 1), Path(folder))
            ways = {
                name: partial(some_cells, left, number, keeps=keeps)
                for name, keeps in {"nothing kept": False, "kept": True}.items()
            }
            found = interleaved(ways, repeats)
        first = found["nothing kept"].processor
        for way, cost in found.items():
            cells = number / cost.seconds * 3600
            seconds = (f"{cost.seconds / number:.3f}", f"{cost.processor / number:.3f}")
            yield [architecture, way, *seconds, f"{cells:.0f}", f"{first / cost.processor:.2f}"]


def one_by_one(features: Tensor, targets: Tensor, order: Tensor) -> list[Tensor]:
    """Train linear heads for an epoch, one after the other; return their weights (labels, D)."""
    weights = []
    for head in range(HEADS):
        torch.manual_seed(head)
        linear = nn.Linear(DIM, LABELS)
        optimiser = torch.optim.AdamW(linear.parameters())
        for index in order[head].split(BATCH):
            optimiser.zero_grad()
            F.cross_entropy(linear(features[index]), targets[index]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        weights.append(linear.weight.detach())
    return weights


def stacked(features: Tensor, targets: Tensor, order: Tensor) -> list[Tensor]:
    """Train the same heads at once, (heads, labels, D) in one batched product; return their weights."""
    heads = []
    for head in range(HEADS):
        torch.manual_seed(head)
        heads.append(nn.Linear(DIM, LABELS))
    weight = nn.Parameter(torch.stack([head.weight.detach() for head in heads]))
    bias = nn.Parameter(torch.stack([head.bias.detach() for head in heads]))
    optimiser = torch.optim.AdamW([weight, bias])
    for index in order.split(BATCH, 1):  # (heads, batch)
        optimiser.zero_grad()
        logits = torch.baddbmm(bias[:, None], features[index], weight.mT)  # (heads, batch, labels)
        losses = F.cross_entropy(logits.flatten(0, 1), targets[index].flatten(), reduction="none")
        losses.view(HEADS, -1).mean(1).sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return list(weight.detach())


def head_rows(repeats: int) -> tuple[list[list[str]], str]:
    """Measure an epoch of linear heads; return a row for each way, and how far their weights are apart."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(CLIPS, DIM, generator=generator)
    targets = torch.randint(LABELS, (CLIPS,), generator=generator)
    order = torch.stack([torch.randperm(CLIPS, generator=generator) for _ in range(HEADS)])
    given = (features, targets, order)
    found = interleaved({"one by one": partial(one_by_one, *given), "stacked": partial(stacked, *given)}, repeats)
    first = found["one by one"].processor
    rows = [[way, f"{1000 * cost.processor:.1f}", f"{first / cost.processor:.2f}"] for way, cost in found.items()]
    apart = max(float((a - b).abs().max()) for a, b in zip(one_by_one(*given), stacked(*given), strict=True))
    return rows, f"After that epoch their weights differ by at most {apart:.1e}."


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help="[default: chance svm rnn]")
    options.add_argument("--corpus", default="synthetic-acted", help="[default: synthetic-acted]")
    options.add_argument("--cells", type=int, default=5, help="cells of a round [default: 5]")
    options.add_argument("--repeats", type=int, default=3, help="rounds [default: 3]")
    given = options.parse_args()
    names = given.architectures or ["chance", "svm", "rnn"]
    if given.brief:
        names, given.cells, given.repeats = ["chance"], 1, 1
    torch.set_num_threads(1)
    cells = list(cell_rows(names, given.corpus, given.cells, given.repeats))
    heads, apart = head_rows(given.repeats)
    parts = [
        f"{given.corpus}; rounds of {given.cells} cells, medians of {given.repeats}; ratios are of processor time.",
        table(["cells", "way", "seconds a cell", "of processor", "cells an hour", "times as many"], cells),
        table([f"an epoch of {HEADS} linear heads", "ms of processor", "times as fast"], heads),
        apart,
    ]
    show("Small cells", parts, publish=given.publish)


if __name__ == "__main__":
    main()
