"""The contract kit for report formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from emonet_bench.config import Options, parse
from emonet_bench.plugins.loading import Plugins
from emonet_bench.report import Table, load, summarise
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.predictions import write_predictions
from emonet_bench.testing.contracts import BrokenError, hold
from emonet_bench.testing.documentation import hold_documented
from emonet_bench.types import ReportFormat

_LABELS = ("calm", "tense")
_CLIPS = 8
_SEEDS = 2
CORPORA, ARCHITECTURES, STRATEGY = ("kit-one", "kit-two"), ("kit-net", "kit-other"), "kit-strategy"


@dataclass(frozen=True)
class ReportBench:
    """A report format on the bench, with its options."""

    report_format: ReportFormat
    options: Any

    @contextmanager
    def tables(self) -> Iterator[dict[str, Table]]:
        """Make tables of runs that are made up: a whole one, one in which all runs have failed, and an empty one."""
        with TemporaryDirectory() as folder:
            results = Path(folder)
            for corpus in CORPORA:
                for architecture in ARCHITECTURES:
                    for seed in range(_SEEDS):
                        _write(results, corpus, architecture, seed)
            whole = load(results)
            failed = [record for record in whole if record.state == "failed"]
            yield {"whole": summarise(whole), "failed": summarise(failed), "empty": summarise([])}

    def render(self, table: Table) -> str:
        """Render a table."""
        text: str = self.report_format.render(table, self.options)
        return text


def _write(results: Path, corpus: str, architecture: str, seed: int) -> None:
    """Write a run; one of each corpus has failed, with a reason that means something to browsers and typesetters."""
    number = f"{len(list(results.iterdir())):016x}"
    directory = results / f"{corpus}-{architecture}-{STRATEGY}-s{seed}-{number[:8]}"
    directory.mkdir()
    spec = {
        "corpus": corpus,
        "protocol": "fixed",
        "architecture": architecture,
        "architecture_options": {},
        "strategy": STRATEGY,
        "strategy_options": {},
        "training": {},
        "seed": seed,
    }
    record: dict[str, Any] = {"schema_version": 2, "run_id": number, "spec": spec, "finished": "2026-01-01T00:00:00Z"}
    if architecture == ARCHITECTURES[1] and seed:
        record["error"] = {"type": "RuntimeError", "message": "<b>50% & $x_1|</b>", "traceback": "..."}
    else:
        record |= {"labels": _LABELS, "protocol_id": "kit", "scores": {part: {"uar": 0.75} for part in ("dev", "test")}}
        truth = [_LABELS[clip % 2] for clip in range(_CLIPS)]
        guesses = [_LABELS[0], *truth[1:-1], _LABELS[seed]]
        rows = [
            [f"{clip}.wav", "test", f"s{clip % 4}", true, guess, *(str(float(guess == label)) for label in _LABELS)]
            for clip, (true, guess) in enumerate(zip(truth, guesses, strict=True))
        ]
        write_predictions(RunFiles(directory).predictions(), _LABELS, rows)
    (directory / "result.json").write_text(json.dumps(record), encoding="utf-8")


def check_report(report_format: str | ReportFormat, options: Mapping[str, Any] | Options | None = None) -> None:
    """Hold a report format to its contracts.

    Args:
        report_format: A registered name, or the descriptor itself.
        options: Its options; None: the defaults.

    Raises:
        AssertionError: It breaks one; the message says which, what was seen and where the contract is written.
    """
    if isinstance(report_format, str):
        report_format = Plugins(corpora=False).report_formats[report_format]
    if not isinstance(options, Options):
        options = parse(report_format.options, options or {}, report_format.name)
    hold("report", report_format.name, CHECKS, ReportBench(report_format, options))


def options_documented(bench: ReportBench) -> None:
    """Options are an ``emonet_bench.config.Options``: each field says what it does."""
    hold_documented(bench.report_format.options)


def text(bench: ReportBench) -> None:
    """It returns text that can be written as UTF-8, for a table of any size: whole, of failed runs only, and empty."""
    with bench.tables() as tables:
        for name, table in tables.items():
            rendered = bench.render(table)
            if not isinstance(rendered, str):
                raise BrokenError(f"{name}: it returned {type(rendered).__name__}")
            rendered.encode()


def complete(bench: ReportBench) -> None:
    """Every corpus and every architecture of the table is named."""
    with bench.tables() as tables:
        rendered = bench.render(tables["whole"])
    if missing := [name for name in (*CORPORA, *ARCHITECTURES) if name not in rendered]:
        raise BrokenError(f"of a table with {', '.join((*CORPORA, *ARCHITECTURES))} it did not name {missing[0]}")


def repeats(bench: ReportBench) -> None:
    """The same table is the same text."""
    with bench.tables() as tables:
        if bench.render(tables["whole"]) != bench.render(tables["whole"]):
            raise BrokenError("two renderings of one table differed; put no time and nothing random into them")


CHECKS: tuple[Callable[[ReportBench], None], ...] = (options_documented, text, complete, repeats)
"""In the order in which they help most; each one's docstring is the contract."""
