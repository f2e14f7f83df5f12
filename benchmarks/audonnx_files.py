"""The other side of ``inference.py``: the same files through audinterface and audonnx, in an environment that has them.

    python benchmarks/audonnx_files.py MODEL SAMPLING_RATE LIST

MODEL is an exported file whose batch is fixed to 1 (audonnx knows one dynamic axis), LIST a JSON list of files. Prints
the seconds that the files took under each setting, as JSON.
"""

import json
import sys
import time
from pathlib import Path

import audinterface
import audonnx
import numpy as np

SETTINGS = {"1 worker, 2 threads": (1, 2), "2 workers, 1 thread each": (2, 1)}


def seconds(model: str, rate: int, files: list[str], workers: int, threads: int) -> float:
    """Time all files once; onnxruntime's threads are audonnx's ``num_workers``."""
    lengths = {"lengths": lambda signal, _: np.array([signal.shape[-1]])}
    network = audonnx.Model(model, transform=lengths, num_workers=threads)
    listen = audinterface.Process(
        process_func=network,
        process_func_args={"outputs": "probabilities"},
        sampling_rate=rate,
        resample=True,
        mixdown=True,
        num_workers=workers,
    )
    listen.process_files(files[:2])
    started = time.perf_counter()
    listen.process_files(files)
    return time.perf_counter() - started


if __name__ == "__main__":
    path, rate, names = sys.argv[1:]
    listed = json.loads(Path(names).read_text())
    print(json.dumps({name: seconds(path, int(rate), listed, *setting) for name, setting in SETTINGS.items()}))
