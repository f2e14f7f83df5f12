"""What an exported model costs and what it is worth: size, milliseconds per clip on one core, and test UAR.

    python benchmarks/deployment.py RUN [RUN ...] [--publish]

RUN are finished runs of one corpus with all of its folds, such as those of

    emonet-bench run matrix benchmarks/deployment.toml --results results/deployment

Runs that differ in nothing but fold and seed make a row for float32 and one for int8. UAR is that of all folds' test
clips together, through onnxruntime; milliseconds are processor time, so that other programs on the machine count less,
of the unmasked twin where there is one. int8 that is not valid in a fold says so.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch
from measuring import show, table

from emonet_bench.cli.export import input_spec_of, partitions, trained
from emonet_bench.data.dataset import Clips
from emonet_bench.errors import ExportError
from emonet_bench.export import Trained, export_run, quantise, unmasked_content
from emonet_bench.export.gate import predict_onnx
from emonet_bench.export.int8 import milliseconds
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.plugins.loading import Plugins

MEGABYTE = 1e6
SMALL = 10  # MB
MOST_BELOW = 0.03  # UAR below the best row


class Fold(NamedTuple):
    """A variant of a run, measured on the run's test clips."""

    bytes: int
    milliseconds: float
    truth: list[str]
    prediction: list[str]


class Row(NamedTuple):
    """A variant over all folds."""

    name: str
    megabytes: float
    milliseconds: float
    uar: float
    folds: int


def variants(one: Trained, plugins: Plugins, folder: Path) -> Iterator[tuple[str, Fold]]:
    """Export a run; yield its float32 and its int8 variant."""
    parts = partitions(plugins, one.record, quiet=True)
    if parts is None:
        raise SystemExit(f"{one.directory}: its corpus is not as the run had it; name its folder as the run did")
    file, target = folder / "model.onnx", folder / "model.int8.onnx"
    spec = input_spec_of(one)
    export_run(one.directory, one.classifier, one.record, file, spec, one.test)
    fastest = file
    try:
        unmasked: bytes | None = unmasked_content(one.classifier, one.corpus, file, spec)[0]
    except ExportError:
        unmasked = None
    else:
        fastest = folder / "model.single.onnx"
        fastest.write_bytes(unmasked)
    yield "float32", measured(fastest, parts["test"])
    try:
        quantise(file, target, parts["train"], parts["test"], unmasked)
    except ExportError as error:
        print(f"{one.directory.name}: {error}")
    else:
        yield "int8", measured(target, parts["test"])


def measured(file: Path, test: Clips) -> Fold:
    truth = [test.labels[target] for target in test.targets.tolist()]
    return Fold(file.stat().st_size, milliseconds([file], test)[0], truth, predict_onnx(file, test))


def named(one: Trained) -> str:
    """Name what a run trained, by what is not the default of its architecture."""
    spec = one.record.spec
    told = {name: value for name, value in spec.architecture_options.items() if name in ("layers", "layer", "teacher")}
    return " ".join([spec.architecture, *(f"{name} {value}" for name, value in told.items()), spec.strategy])


def rows(found: Mapping[tuple[str, str], Sequence[Fold]]) -> Iterator[Row]:
    """Pool the folds of each variant."""
    for (name, variant), folds in found.items():
        truth = [label for fold in folds for label in fold.truth]
        said = [label for fold in folds for label in fold.prediction]
        uar = unweighted_average_recall(truth, said, sorted(set(truth)))
        size, cost = mean(fold.bytes for fold in folds), mean(fold.milliseconds for fold in folds)
        yield Row(f"{name}, {variant}", size / MEGABYTE, cost, uar, len(folds))


def verdict(made: Sequence[Row]) -> str:
    """Say whether a small file is nearly as good as the best one."""
    best = max(row.uar for row in made)
    small = [row for row in made if row.megabytes <= SMALL]
    if not small:
        return f"No file of at most {SMALL} MB."
    chosen = max(small, key=lambda row: row.uar)
    reached = "reached" if chosen.uar >= best - MOST_BELOW else "missed"
    return (
        f"Best file of at most {SMALL} MB: {chosen.name}, {chosen.megabytes:.2f} MB, UAR {chosen.uar:.3f}; best row "
        f"{best:.3f}. Goal, at most {MOST_BELOW} below it: {reached}."
    )


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--publish", action="store_true", help="append the table to benchmarks/RESULTS.md")
    given = parser.parse_args()
    torch.set_num_threads(1)
    plugins = Plugins()
    found: dict[tuple[str, str], list[Fold]] = defaultdict(list)
    corpora = set()
    for run in given.runs:
        (one,) = trained(run, plugins, None)
        corpora.add(f"{one.corpus}, {one.record.spec.protocol}")
        with TemporaryDirectory() as folder:
            for variant, fold in variants(one, plugins, Path(folder)):
                found[named(one), variant].append(fold)
                print(f"{run.name} {variant}: {fold.bytes / MEGABYTE:.2f} MB, {fold.milliseconds:.1f} ms", flush=True)
    made = list(rows(found))
    lines = [
        [row.name, f"{row.megabytes:.2f}", f"{row.milliseconds:.1f}", f"{row.uar:.3f}", str(row.folds)] for row in made
    ]
    words = f"{', '.join(sorted(corpora))}; one core, processor time. {verdict(made)}"
    head = ["model", "MB", "milliseconds per clip", "test UAR", "folds"]
    show("Deployment", [words, table(head, lines)], publish=given.publish)


if __name__ == "__main__":
    main()
