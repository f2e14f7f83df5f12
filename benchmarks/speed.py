"""How fast each registered architecture hears and learns on this machine's CPU, one thread.

    python benchmarks/speed.py [--brief] [ARCHITECTURE ...]

Prints, for the default options and clips of three seconds, the seconds of audio heard in a second (inference, one clip
at a time, as in deployment) and learned in a second (forward and backward, batches of eight).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from emonet_bench.plugins import Plugins, Selection
from emonet_bench.types import Architecture, Signal

SECONDS = 3
SIGNAL = Signal(window=SECONDS * 16_000)


def waveforms(clips: int) -> torch.Tensor:
    """Return noise (N, S) at a fifth of full scale."""
    return torch.randn(clips, SECONDS * SIGNAL.sampling_rate, generator=torch.Generator().manual_seed(0)) * 0.2


def rate(work: Callable[[], object], clips: int, repetitions: int) -> float:
    """Return the seconds of audio that are worked through in a second: the median of some repetitions after a first."""
    work()
    taken = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return clips * SECONDS / statistics.median(taken)


def hearing(architecture: Architecture, repetitions: int) -> float:
    """Measure inference."""
    network = architecture.build(architecture.options(), SIGNAL).eval()
    clip = waveforms(1)
    with torch.inference_mode():
        return rate(lambda: network.embed(clip, None), 1, repetitions)


def learning(architecture: Architecture, repetitions: int, clips: int = 8) -> float:
    """Measure forward and backward."""
    network = architecture.build(architecture.options(), SIGNAL).train()
    batch = waveforms(clips)
    return rate(lambda: network.embed(batch, None).sum().backward(), clips, repetitions)


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE")
    parser.add_argument("--brief", action="store_true", help="measure once: a smoke run")
    arguments = parser.parse_args()
    repetitions = 1 if arguments.brief else 9
    torch.set_num_threads(1)
    registry = Plugins(Selection(strict=True)).architectures
    print(f"{'architecture':<16}{'heard':>10}{'learned':>10}   seconds of audio in a second")
    for name in arguments.architectures or registry:
        architecture = registry[name]
        heard = f"{hearing(architecture, repetitions):.0f}"
        learned = "-" if architecture.fit else f"{learning(architecture, repetitions):.0f}"
        print(f"{name:<16}{heard:>10}{learned:>10}")


if __name__ == "__main__":
    main()
