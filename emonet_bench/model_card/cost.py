"""Cost: size, time to load, time for a second of audio on one core and memory of a file, in a process of its own.

Time for audio is processor time: on one core that is what a clock shows on an idle machine, and other programs count
less.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from emonet_bench.deploy import Predictor
from emonet_bench.errors import ExportError
from emonet_bench.machine import process_peak_mb
from emonet_bench.model_card.record import FileCost

_SECONDS = 3.0
_CLIPS = 12
_PATIENCE = 300.0  # seconds


def costs(model: Path) -> list[FileCost]:
    """Measure a file, and its int8 variant where that lies beside it.

    Raises:
        ExportError: A file cannot be run.
    """
    variant = model.with_suffix(".int8.onnx")
    return [_cost(path) for path in (model, variant) if path.is_file()]


def _cost(model: Path) -> FileCost:
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", __name__, str(model.resolve())],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode:
        raise ExportError(f"{model}: its cost cannot be measured ({done.stderr.strip().splitlines()[-1:]})")
    return FileCost(file=model.name, bytes=model.stat().st_size, **json.loads(done.stdout))


def measured(model: Path) -> dict[str, float | int | None]:
    """Measure a file in this process: seconds to the first answer, milliseconds for a second of audio, memory."""
    started = time.perf_counter()
    predictor = Predictor(model, "cpu", threads=1)
    rate = predictor.sampling_rate
    clip = (0.1 * np.random.default_rng(0).standard_normal(round(_SECONDS * rate))).astype(np.float32)
    taken = []
    for number in range(_CLIPS + 1):
        before = time.process_time()
        list(predictor.predict_arrays([clip], rate))
        if number:
            taken.append(time.process_time() - before)
        else:
            loaded = time.perf_counter() - started
    each = 1000 * statistics.median(taken) / _SECONDS
    return {"load_seconds": round(loaded, 4), "milliseconds": round(each, 3), "peak_memory_mb": process_peak_mb()}


if __name__ == "__main__":
    json.dump(measured(Path(sys.argv[1])), sys.stdout)
