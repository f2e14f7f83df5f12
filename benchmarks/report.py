"""How long `emonet-bench report` takes over a large results directory: 10 000 runs of 120 test clips each.

python benchmarks/report.py [--brief] [--runs N] [--publish]
"""

from __future__ import annotations

import csv
import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import forget_peak, parser, peak_mb, show, table, timed

from emonet_bench import report
from emonet_bench.config import Training
from emonet_bench.report.html import render_html

LABELS = ("anger", "fear", "joy", "neutral", "sadness", "surprise")
CORPORA, WAYS, CLIPS = 10, 20, 120


def write(results: Path, runs: int) -> None:
    """Write run directories: corpora x ways x as many seeds as it takes."""
    for number in range(runs):
        corpus, way, seed = number % CORPORA, number // CORPORA % WAYS, number // (CORPORA * WAYS)
        architecture, strategy = f"architecture{way // 2}", ("scratch", "adapters")[way % 2]
        folder = results / f"corpus{corpus}-{architecture}-{strategy}-s{seed}-{number:08x}"
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(
            json.dumps(_record(number, f"corpus{corpus}", architecture, strategy, seed))
        )
        _predictions(folder / "predictions.csv", random.Random(corpus), random.Random(number))


def _record(number: int, corpus: str, architecture: str, strategy: str, seed: int) -> dict[str, Any]:
    spec = {
        "corpus": corpus,
        "protocol": "speakers",
        "architecture": architecture,
        "architecture_options": {f"option{i}": i for i in range(25)},
        "strategy": strategy,
        "strategy_options": {},
        "training": Training().model_dump(),
        "seed": seed,
        "fold": None,
        "source": None,
    }
    return {
        "schema_version": 1,
        "run_id": f"{number:016x}",
        "spec": spec,
        "labels": LABELS,
        "protocol_id": "0123456789ab",
        "scores": {"dev": {"uar": 0.5, "accuracy": 0.5}, "test": {"uar": 0.5, "accuracy": 0.5}},
        "parameters": {"total": 300_000, "trainable": 30_000},
        "seconds": {"train": 60.0},
        "finished": "2026-01-01T00:00:00Z",
    }


def _predictions(path: Path, truths: random.Random, guesses: random.Random) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["utterance", "partition", "speaker", "truth", "prediction", *LABELS])
        for clip in range(CLIPS):
            truth = truths.choice(LABELS)
            guess = truth if guesses.random() < 0.6 else guesses.choice(LABELS)
            writer.writerow([f"clip{clip}", "test", f"s{clip % 10}", truth, guess, *[1 / len(LABELS)] * len(LABELS)])


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=10_000, help="to read [default: 10000]")
    given = options.parse_args()
    lines: list[list[str]] = []
    made: list[Any] = []

    def step(name: str, work: Callable[[], Any]) -> Any:
        forget_peak()
        seconds = timed(lambda: made.append(work()))
        lines.append([name, f"{seconds:.2f}", f"{peak_mb():.0f}"])
        return made.pop()

    with tempfile.TemporaryDirectory() as name:
        write(Path(name), 400 if given.brief else given.runs)
        records = step("read", lambda: report.load(Path(name)))
        summary = step("summarise, bootstrap and tests included", lambda: report.summarise(records))
        step("Markdown", lambda: report.render_markdown(summary))
        page = step("HTML", lambda: render_html(summary))
    cells = sum(1 for _ in summary.cells())
    said = f"{len(records)} runs of {CLIPS} test clips each, {cells} cells; the page has {len(page) / 1e6:.1f} MB."
    show("Report", [said, table(["step", "seconds", "peak, MiB"], lines)], publish=given.publish)


if __name__ == "__main__":
    main()
