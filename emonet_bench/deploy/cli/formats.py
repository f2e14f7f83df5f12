"""Formats of predictions: a table for people; CSV, JSON lines and Parquet for programs; timelines for annotators."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from emonet_bench.deploy.cli.annotation_files import SUFFIXES
from emonet_bench.errors import ConfigError
from emonet_bench.escaping import printable

if TYPE_CHECKING:
    from emonet_bench.deploy import Prediction, Predictor

_ROWS = 10_000  # of a Parquet file at once

Write = Callable[["Predictor", "Iterable[Prediction]", TextIO], None]


def write_csv(predictor: Predictor, predictions: Iterable[Prediction], stream: TextIO, *, head: bool = True) -> None:
    """Write a line for each prediction as it comes, with the probability of each label."""
    writer = csv.writer(stream, lineterminator="\n")
    if head:
        writer.writerow(predictor.columns)
        stream.flush()
    for row in predictor.rows(predictions):
        writer.writerow([f"{value:.6f}" if isinstance(value, float) else value for value in row.values()])
        stream.flush()


def write_jsonl(predictor: Predictor, predictions: Iterable[Prediction], stream: TextIO) -> None:
    """Write an object for each prediction as it comes; a name that is not UTF-8 is escaped, as JSON does it."""
    output = predictor.model.output
    for one in predictions:
        told = dict(zip(predictor.labels, one.row.tolist(), strict=True))
        label = {"prediction": one.label} if one.label else {}
        row = {"file": one.file, "start": one.start, "end": one.end, **label, output: told}
        text = json.dumps(row, ensure_ascii=False)
        stream.write(text.encode(errors="backslashreplace").decode() + "\n")
        stream.flush()


def write_rttm(_: Predictor, segments: Iterable[Prediction], stream: TextIO) -> None:
    """Write the segments of any number of files."""
    from emonet_bench.deploy.annotations import rttm  # noqa: PLC0415 - not for other formats

    for line in rttm(segments):
        stream.write(line)
        stream.flush()


FORMATS: Mapping[str, Write] = {"csv": write_csv, "jsonl": write_jsonl, "rttm": write_rttm}
"""Formats that are text and hold any number of files."""

ANNOTATIONS = frozenset({"rttm", *SUFFIXES})
"""Formats of timelines alone."""


def write_parquet(predictor: Predictor, predictions: Iterable[Prediction], path: Path) -> None:
    """Write a Parquet file with the columns of the CSV.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    pa, parquet = _pyarrow()
    kinds = {"file": pa.string(), "prediction": pa.string(), "start": pa.float64()}
    kinds["end"] = kinds["start"]
    schema = pa.schema([(name, kinds.get(name, pa.float32())) for name in predictor.columns])
    rows = predictor.rows(predictions)
    with parquet.ParquetWriter(path, schema) as writer:
        for part in iter(lambda: list(islice(rows, _ROWS)), []):
            writer.write_table(pa.Table.from_pylist(_in_unicode(part), schema))


def check_parquet() -> None:
    """Refuse the format before any work where it cannot be written.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError("--format parquet: needs the package pyarrow; pip install pyarrow, or take csv") from error
    return pa, parquet


def _in_unicode(rows: Iterable[dict[str, str | float]]) -> list[dict[str, str | float]]:
    """Escape names of files that are not UTF-8, which Parquet cannot hold."""
    return [{**row, "file": str(row["file"]).encode(errors="backslashreplace").decode()} for row in rows]


def print_table(predictor: Predictor, predictions: Iterable[Prediction]) -> None:
    """Print a table, once everything is known."""
    from rich.markup import escape  # noqa: PLC0415 - slow, and only tables need it
    from rich.table import Column, Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from emonet_bench.console.terminal import Terminal  # noqa: PLC0415

    labelled = predictor.model.output == "probabilities"
    told = ["prediction", "probability"] if labelled else list(map(printable, predictor.labels))
    table = Table(Column("file", overflow="fold"), "start", "end", *map(escape, told))
    for one in predictions:
        numbers = [f"{one.probabilities.max():.3f}"] if labelled else [f"{value:.3f}" for value in one.row]
        cells = [f"{one.start:.2f}", f"{one.end:.2f}", *([printable(one.label)] if labelled else []), *numbers]
        table.add_row(*map(Text, [printable(one.file), *cells]))  # escaped before it is measured
    if table.row_count:
        Terminal().print(table)
