"""What an exported model costs and what it is worth: size, milliseconds per clip on one core, and test UAR.

    python benchmarks/deployment.py RUN [RUN ...] --folder FOLDER [--publish]

RUN are finished runs of one corpus with all of its folds, such as those of

    emonet-bench run matrix benchmarks/deployment.toml --results results/deployment

Runs that differ in nothing but fold and seed make a row for float32 and one for int8. UAR is that of all folds' test
clips together, through onnxruntime. Milliseconds are processor time, so that other programs on the machine count less,
of the unmasked twin where there is one; all files of a fold are timed in turn, at the end. int8 that is not valid in a
fold says so. Exported files and what they say stay in FOLDER: called again, only the timing is done anew.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import torch
from measuring import show, table

from emonet_bench.cli.export import input_spec_of, partitions, trained
from emonet_bench.data.dataset import Clips
from emonet_bench.errors import ExportError
from emonet_bench.export import Trained, export_run, quantise, unmasked_content
from emonet_bench.export.gate import predict_onnx
from emonet_bench.export.int8 import milliseconds
from emonet_bench.files import write_text
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import Partition

MEGABYTE = 1e6
SMALL = 10  # MB
MOST_BELOW = 0.03  # UAR below the best row
FLOAT32, INT8 = "float32", "int8"


class Variant(NamedTuple):
    """A variant of a run, scored on the run's test clips."""

    row: str
    file: Path
    truth: list[str]
    prediction: list[str]


class Row(NamedTuple):
    """A variant over all folds."""

    name: str
    megabytes: float
    milliseconds: float
    uar: float
    folds: int


def variants(one: Trained, clips: Mapping[Partition, Clips], folder: Path) -> Iterator[Variant]:
    """Yield the variants of a run that hold, exported into a folder unless they lie there."""
    told = folder / "predictions.json"
    if not told.exists():
        folder.mkdir(parents=True, exist_ok=True)
        said = {file.name: predict_onnx(file, clips["test"]) for file in exported(one, clips, folder)}
        write_text(told, json.dumps(said))
    truth = [clips["test"].labels[target] for target in clips["test"].targets.tolist()]
    for name, prediction in json.loads(told.read_text(encoding="utf-8")).items():
        yield Variant(f"{named(one)}, {INT8 if INT8 in name else FLOAT32}", folder / name, truth, prediction)


def exported(one: Trained, clips: Mapping[Partition, Clips], folder: Path) -> Iterator[Path]:
    """Export a run; yield the file that scores clips one by one fastest, and its int8 variant."""
    file, single, small = folder / "model.onnx", folder / "model.single.onnx", folder / f"model.{INT8}.onnx"
    spec = input_spec_of(one)
    export_run(one.directory, one.classifier, one.record, file, spec, one.test)
    try:
        unmasked: bytes | None = unmasked_content(one.classifier, one.corpus, file, spec)[0]
    except ExportError:
        unmasked = None
        yield file
    else:
        single.write_bytes(unmasked)
        yield single
    try:
        quantise(file, small, clips["train"], clips["test"], unmasked)
    except ExportError as error:
        print(f"{one.directory.name}: {error}")
    else:
        yield small


def named(one: Trained) -> str:
    """Name what a run trained, by what is not the default of its architecture."""
    spec = one.record.spec
    told = {name: value for name, value in spec.architecture_options.items() if name in ("layers", "layer", "teacher")}
    return " ".join([spec.architecture, *(f"{name} {value}" for name, value in told.items()), spec.strategy])


def rows(found: Sequence[Variant], costs: Mapping[Path, float]) -> Iterator[Row]:
    """Pool the folds of each variant."""
    for name in dict.fromkeys(variant.row for variant in found):
        own = [variant for variant in found if variant.row == name]
        truth = [label for variant in own for label in variant.truth]
        said = [label for variant in own for label in variant.prediction]
        uar = unweighted_average_recall(truth, said, sorted(set(truth)))
        size = mean(variant.file.stat().st_size for variant in own) / MEGABYTE
        yield Row(name, size, mean(costs[variant.file] for variant in own), uar, len(own))


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
    parser.add_argument("--folder", type=Path, required=True, help="where the exported files are kept")
    parser.add_argument("--publish", action="store_true", help="append the table to benchmarks/RESULTS.md")
    given = parser.parse_args()
    torch.set_num_threads(1)
    plugins = Plugins()
    corpora: set[str] = set()
    found: list[Variant] = []
    folds: dict[int | None, tuple[Clips, list[Path]]] = {}
    for run in given.runs:
        (one,) = trained(run, plugins, None)
        clips = partitions(plugins, one.record, quiet=True)
        if clips is None:
            raise SystemExit(f"{run}: its corpus is not as the run had it; name its folder as the run did")
        corpora.add(f"{one.corpus}, {one.record.spec.protocol}")
        own = list(variants(one, clips, given.folder / run.name))
        folds.setdefault(one.record.spec.fold, (clips["test"], []))[1].extend(variant.file for variant in own)
        found += own
        print(f"{run.name}: {', '.join(variant.file.name for variant in own)}", flush=True)
    costs: dict[Path, float] = {}
    for test, files in folds.values():
        costs |= dict(zip(files, milliseconds(files, test), strict=True))
    made = list(rows(found, costs))
    lines = [
        [row.name, f"{row.megabytes:.2f}", f"{row.milliseconds:.1f}", f"{row.uar:.3f}", str(row.folds)] for row in made
    ]
    words = f"{', '.join(sorted(corpora))}; one core, processor time. {verdict(made)}"
    head = ["model", "MB", "milliseconds per clip", "test UAR", "folds"]
    show("Deployment", [words, table(head, lines)], publish=given.publish)


if __name__ == "__main__":
    main()
