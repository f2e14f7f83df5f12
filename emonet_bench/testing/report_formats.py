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
from emonet_bench.runs.target_predictions import write_target_predictions
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
        """Make tables of runs that are made up: of labels and of values, of failed runs only, and an empty one."""
        with TemporaryDirectory() as folder, TemporaryDirectory() as other:
            results = Path(folder)
            for corpus in CORPORA:
                for architecture in ARCHITECTURES:
                    for seed in range(_SEEDS):
                        _write(results, corpus, architecture, seed)
            whole = load(results)
            failed = [record for record in whole if record.state == "failed"]
            told = {"whole": summarise(whole), "failed": summarise(failed), "empty": summarise([])}
            yield {**told, "values": _values(Path(other))}

    def render(self, table: Table) -> str:
        """Render a table."""
        text: str = self.report_format.render(table, self.options)
        return text


def _write(results: Path, corpus: str, architecture: str, seed: int) -> None:
    """Write a run; one of each corpus has failed, with a reason that means something to browsers and typesetters."""
    directory, record = _begun(results, corpus, architecture, seed)
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


def _begun(results: Path, corpus: str, architecture: str, seed: int) -> tuple[Path, dict[str, Any]]:
    """Make a run's directory, and what its record says first."""
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
    return directory, record


def _values(results: Path) -> Table:
    """Return the table of runs whose target is an attribute, one for each corpus and architecture."""
    target = {"name": "own-values", "kind": "values", "scales": [[1, 7]]}
    scores = {part: {"metrics": {"ccc": 0.5, "ccc:arousal": 0.5}} for part in ("dev", "test")}
    for corpus in CORPORA:
        for architecture in ARCHITECTURES:
            directory, record = _begun(results, corpus, architecture, 0)
            record |= {"labels": ["arousal"], "target": target, "protocol_id": "kit", "scores": scores}
            rows = [[f"{n}.wav", "test", f"s{n % 4}", str(1 + n % 7), str(1 + n % 5)] for n in range(_CLIPS)]
            write_target_predictions(RunFiles(directory).predictions(), "values", ["arousal"], rows)
            (directory / "result.json").write_text(json.dumps(record), encoding="utf-8")
    return summarise(load(results))


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
    """It returns text that can be written as UTF-8, for any table: of labels, of values, of failed runs only, empty."""
    with bench.tables() as tables:
        for name, table in tables.items():
            rendered = bench.render(table)
            if not isinstance(rendered, str):
                raise BrokenError(f"{name}: it returned {type(rendered).__name__}")
            rendered.encode()


def complete(bench: ReportBench) -> None:
    """Every corpus and every architecture of the table is named."""
    with bench.tables() as tables:
        for table in ("whole", "values"):
            rendered = bench.render(tables[table])
            if missing := [name for name in (*CORPORA, *ARCHITECTURES) if name not in rendered]:
                named = ", ".join((*CORPORA, *ARCHITECTURES))
                raise BrokenError(f"{table}: of a table with {named} it did not name {missing[0]}")


def repeats(bench: ReportBench) -> None:
    """The same table is the same text."""
    with bench.tables() as tables:
        if bench.render(tables["whole"]) != bench.render(tables["whole"]):
            raise BrokenError("two renderings of one table differed; put no time and nothing random into them")


CHECKS: tuple[Callable[[ReportBench], None], ...] = (options_documented, text, complete, repeats)
"""In the order in which they help most; each one's docstring is the contract."""
