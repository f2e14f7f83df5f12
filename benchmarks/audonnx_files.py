"""The other side of ``inference.py``: the same files through audinterface and audonnx, in an environment that has them.

    python benchmarks/audonnx_files.py MODEL FOLDER SAMPLING_RATE LIST

MODEL is an exported file whose batch is fixed to 1 (audonnx knows one dynamic axis), FOLDER what ``export --audonnx``
wrote beside that file, LIST a JSON list of files. Prints the seconds that the files took under each setting, as JSON;
among them are those of emonet-predict in the same process, by the same onnxruntime.
"""

import json
import sys
import time
from pathlib import Path

import audinterface
import audonnx
import numpy as np
from emonet_predict import Predictor

SETTINGS = {"1 worker, 2 threads": (1, 2), "2 workers, 1 thread each": (2, 1)}


def loaded(model: str, threads: int) -> audonnx.Model:
    """Load a file or a folder; onnxruntime's threads are audonnx's ``num_workers``."""
    if Path(model).is_dir():
        return audonnx.load(model, num_workers=threads)
    lengths = {"lengths": lambda signal, _: np.array([signal.shape[-1]])}
    return audonnx.Model(model, transform=lengths, num_workers=threads)


def seconds(model: str, rate: int, files: list[str], workers: int, threads: int) -> float:
    """Time all files once."""
    listen = audinterface.Process(
        process_func=loaded(model, threads),
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


def predicted(folder: str, files: list[str], threads: int) -> float:
    """Time all files once with a Predictor."""
    predictor = Predictor(Path(folder).with_suffix(".onnx"), "cpu", threads)
    list(predictor.predict(files[:2]))
    started = time.perf_counter()
    list(predictor.predict(files))
    return time.perf_counter() - started


if __name__ == "__main__":
    file, folder, rate, names = sys.argv[1:]
    listed = json.loads(Path(names).read_text())
    taken = {
        f"{which}, {name}": seconds(path, int(rate), listed, *setting)
        for which, path in (("the file", file), ("what --audonnx writes", folder))
        for name, setting in SETTINGS.items()
    }
    taken["Predictor, 2 threads"] = predicted(folder, listed, 2)
    print(json.dumps(taken))
