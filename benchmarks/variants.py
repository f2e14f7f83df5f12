"""What each variant of some exported runs is worth: float32, int8, and one bank of all of them.

    python benchmarks/variants.py RUN [RUN ...] [--publish]

Prints the test UAR, the size and the speed of each variant, on one core, as a ratio to the run's own float32 file; a
variant that is not valid says why. Several runs must share a source.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import show

from emonet_bench.cli.export import input_spec_of, partitions, trained
from emonet_bench.errors import ExportError
from emonet_bench.export import Trained, export_bank, export_run, quantise, size_table
from emonet_bench.export.int8 import milliseconds
from emonet_bench.plugins.loading import Plugins


def single(one: Trained, plugins: Plugins, folder: Path) -> Iterator[str]:
    """Export one run as float32 and int8; yield a line for each."""
    file = folder / f"{one.corpus}.onnx"
    parity = export_run(one.directory, one.classifier, one.record, file, input_spec_of(one), one.test)
    yield line(one, "float32", parity.uar, file, 1.0)
    parts = partitions(plugins, one.record, quiet=True)
    assert parts is not None
    target = file.with_suffix(".int8.onnx")
    try:
        found = quantise(file, target, parts["train"], parts["test"])
    except ExportError as error:
        yield f"| {one.corpus} | int8 | {error} | | |"
    else:
        yield line(one, "int8", found.int8.uar, target, found.speed)


def bank(members: Sequence[Trained], folder: Path) -> Iterator[str]:
    """Export a bank; yield a line for each task and the table of sizes."""
    file = folder / "bank.onnx"
    parities, sizes = export_bank(members, file, input_spec_of(members[0]))
    for task, one in enumerate(members):
        assert one.test is not None
        alone, banked = milliseconds((folder / f"{one.corpus}.onnx", file), one.test, (None, task))
        yield line(one, "bank", parities[one.corpus].uar, file, alone / banked)
    yield f"\n{size_table(sizes)}"


def line(one: Trained, variant: str, uar: float | None, file: Path, faster: float) -> str:
    return f"| {one.corpus} | {variant} | {uar or 0:.3f} | {file.stat().st_size / 2**20:.2f} MiB | {faster:.2f} |"


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--publish", action="store_true", help="append the table to benchmarks/RESULTS.md")
    given = parser.parse_args()
    plugins = Plugins()
    members = [one for run in given.runs for one in trained(run, plugins, None)]
    lines = ["| corpus | variant | test UAR | size | speed |", "|---|---|--:|--:|--:|"]
    with TemporaryDirectory() as folder:
        for one in members:
            lines += single(one, plugins, Path(folder))
        if len(members) > 1:
            lines += bank(members, Path(folder))
    first = members[0].record.spec
    words = f"Networks: {first.architecture} {first.strategy}, {first.architecture_options}."
    show("Variants of exported models", [words, "\n".join(lines)], publish=given.publish)


if __name__ == "__main__":
    main()
