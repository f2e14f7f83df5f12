"""How fast each registered architecture hears and learns on this machine's CPU, one thread.

    python benchmarks/speed.py [--brief] [--publish] [ARCHITECTURE ...]

For the default options and clips of three seconds: the seconds of audio heard in a second (inference, one clip at a
time, as in deployment) and learned in a second (forward and backward, batches of eight).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from measuring import Way, interleaved, parser, show, table

from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.types import Architecture, InputSpec

SECONDS, CLIPS = 3, {"heard": 1, "learned": 8}
SIGNAL = InputSpec(window=SECONDS * 16_000)


def ways(architecture: Architecture) -> Mapping[str, Way]:
    """Name what can be done with an architecture."""
    network = architecture.build(architecture.options(), SIGNAL)
    generator = torch.Generator().manual_seed(0)
    noise = 0.2 * torch.randn(CLIPS["learned"], SECONDS * SIGNAL.sampling_rate, generator=generator)  # (N, S)

    def heard() -> None:
        with torch.inference_mode():
            network.eval().embed(noise[: CLIPS["heard"]], None)

    def learned() -> None:
        network.train().embed(noise, None).sum().backward()

    return {"heard": heard} if architecture.fit else {"heard": heard, "learned": learned}


def rows(names: Sequence[str], repeats: int) -> Iterator[list[str]]:
    """Measure architectures, all by default; yield a row for each thing that they do."""
    registry = Plugins(Selection(strict=True)).architectures
    for name in names or registry:
        for way, own in interleaved(ways(registry[name]), repeats).items():
            yield [name, way, f"{CLIPS[way] * SECONDS / own.seconds:.0f}", f"{own.peak_mb:.0f}"]


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help="[default: all]")
    given = options.parse_args()
    torch.set_num_threads(1)
    head = ["architecture", "way", "seconds of audio in a second", "peak, MiB"]
    lines = table(head, rows(given.architectures, 1 if given.brief else 9))
    show(
        "Hearing and learning",
        [f"Clips of {SECONDS} s, default options, one thread; medians.", lines],
        publish=given.publish,
    )


if __name__ == "__main__":
    main()
