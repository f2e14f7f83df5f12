"""How long `emonet-bench report` takes over a large results directory: 10 000 runs of 120 test clips each.

python benchmarks/report.py [RUNS]
"""

from __future__ import annotations

import csv
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emonet_bench import report
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
        "training": {f"setting{i}": i for i in range(20)},
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


def timed(what: str, work: Callable[[], Any]) -> Any:
    started, used = time.perf_counter(), time.process_time()
    result = work()
    print(f"{what:<12}{time.perf_counter() - started:6.2f} s ({time.process_time() - used:.2f} s of processor)")
    return result


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), runs)
        records = timed("read", lambda: report.load(Path(name)))
        table = timed("summarise", lambda: report.summarise(records))
        timed("Markdown", lambda: report.render_markdown(table))
        page = timed("HTML", lambda: render_html(table))
        print(f"{len(records)} runs, {sum(1 for _ in table.cells())} cells, a page of {len(page) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
