"""What masked batch norms cost: training on padded clips against training on full windows, one thread.

    python benchmarks/padding.py [--brief] [--publish] [ARCHITECTURE ...]

Both take batches of eight clips and windows of three seconds. Padded: the clips are shorter (one to three seconds), so
every layer masks, and batch-norm statistics come from valid frames only (``short_clips = "pad"``). Full: short clips
are repeated, no frame is padding and nothing is masked (``short_clips = "repeat"``, the default).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from measuring import Way, interleaved, parser, show, table

from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.types import Architecture, InputSpec

SAMPLES, CLIPS = 48_000, 8


def learning(architecture: Architecture, lengths: torch.Tensor | None) -> Way:
    """Return a forward and backward pass."""
    network = architecture.build(architecture.options(), InputSpec(window=SAMPLES)).train()
    batch = torch.randn(CLIPS, SAMPLES, generator=torch.Generator().manual_seed(0)) * 0.2
    return lambda: network.embed(batch, lengths).sum().backward()


def rows(names: Sequence[str], repeats: int) -> Iterator[list[str]]:
    """Measure architectures, all by default; yield a row for each."""
    registry = Plugins(Selection(strict=True)).architectures
    lengths = torch.linspace(SAMPLES / 3, SAMPLES, CLIPS).long()
    for name in names or [name for name in registry if registry[name].fit is None]:
        ways = {"full": learning(registry[name], None), "padded": learning(registry[name], lengths)}
        full, padded = interleaved(ways, repeats).values()
        ratio = f"{padded.seconds / full.seconds:.2f}"
        yield [
            name,
            f"{full.seconds:.3f}",
            f"{padded.seconds:.3f}",
            ratio,
            f"{full.peak_mb:.0f}",
            f"{padded.peak_mb:.0f}",
        ]


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help="[default: all that are trained]")
    given = options.parse_args()
    torch.set_num_threads(1)
    head = ["architecture", "full, s", "padded and masked, s", "padded / full", "peak full, MiB", "peak padded, MiB"]
    lines = table(head, rows(given.architectures, 1 if given.brief else 7))
    said = f"Forward and backward pass of {CLIPS} clips, default options, one thread; medians."
    show("Padding in training", [said, lines], publish=given.publish)


if __name__ == "__main__":
    main()
