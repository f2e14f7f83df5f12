"""What masked batch norms cost: training on padded clips against training on full windows, one thread.

    python benchmarks/padding.py [--brief] [ARCHITECTURE ...]

Both take batches of eight clips and windows of three seconds. Padded: the clips are shorter (one to three seconds), so
every layer masks, and batch-norm statistics come from valid frames only (``short_clips = "pad"``). Full: short clips
are repeated, no frame is padding and nothing is masked (``short_clips = "repeat"``, the default).
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from emonet_bench.plugins import Plugins
from emonet_bench.types import Architecture, Signal

SAMPLES, CLIPS = 48_000, 8


def seconds(architecture: Architecture, lengths: torch.Tensor | None, repetitions: int) -> float:
    """Return the median seconds of a forward and backward pass, after a first."""
    network = architecture.build(architecture.options(), Signal(window=SAMPLES)).train()
    batch = torch.randn(CLIPS, SAMPLES, generator=torch.Generator().manual_seed(0)) * 0.2
    taken = []
    for _ in range(repetitions + 1):
        start = time.perf_counter()
        network.embed(batch, lengths).sum().backward()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE")
    parser.add_argument("--brief", action="store_true", help="measure once: a smoke run")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    registry = Plugins().architectures
    trained = arguments.architectures or [name for name in registry if registry[name].fit is None]
    lengths = torch.linspace(SAMPLES / 3, SAMPLES, CLIPS).long()
    print("architecture | full, s | padded, s | padded / full")
    for name in trained:
        full = seconds(registry[name], None, 1 if arguments.brief else 7)
        padded = seconds(registry[name], lengths, 1 if arguments.brief else 7)
        print(f"{name} | {full:.3f} | {padded:.3f} | {padded / full:.2f}")


if __name__ == "__main__":
    main()
