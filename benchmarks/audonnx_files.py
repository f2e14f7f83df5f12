"""The other side of ``inference.py``: the same files through audinterface and audonnx, in an environment that has them.

    python benchmarks/audonnx_files.py MODEL FOLDER SAMPLING_RATE LIST

MODEL is an exported file whose batch is fixed to 1 (audonnx knows one dynamic axis), FOLDER what ``export --audonnx``
wrote beside that file, LIST a JSON list of files. Prints the seconds that the files took under each setting, as JSON;
among them are those of emonet-predict in the same process, by the same onnxruntime, and those of the bound: threads of
which each decodes a file and runs the twin on it, with nothing else.
"""

import json
import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import audinterface
import audonnx
import numpy as np
import onnxruntime
from emonet_predict import Predictor
from emonet_predict.audio import read

TURNS = 5  # of the Predictor and the bound
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


def bound(session: onnxruntime.InferenceSession, rate: int, files: list[str], threads: int) -> None:
    """Decode and run, nothing else, in threads that take the next file from a common list."""
    left = iter(files)

    def take() -> None:
        for file in left:
            session.run(["probabilities"], {"waveform": read(Path(file), rate)[None]})

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(take) for _ in range(threads)]:
            done.result()


def predicted(folder: str, rate: int, files: list[str]) -> dict[str, float]:
    """Time a Predictor and the bound in turns, in any order; return the median of each, by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    twin = onnxruntime.InferenceSession(str(Path(folder).with_suffix(".single.onnx")), options)
    ways = {}
    for threads, name in ((1, "1 thread"), (2, "2 threads")):
        predictor = Predictor(Path(folder).with_suffix(".onnx"), "cpu", threads)
        ways[f"Predictor, {name}"] = lambda files, predictor=predictor: list(predictor.predict(files))
        ways[f"decoding and session.run, {name}"] = lambda files, threads=threads: bound(twin, rate, files, threads)
    taken = {name: [] for name in ways}
    for way in ways.values():
        way(files[:2])
    for _ in range(TURNS):
        for name in random.sample(list(ways), len(ways)):
            started = time.perf_counter()
            ways[name](files)
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


if __name__ == "__main__":
    file, folder, rate, names = sys.argv[1:]
    listed = json.loads(Path(names).read_text())
    taken = {
        f"audonnx, {which}, {name}": seconds(path, int(rate), listed, *setting)
        for which, path in (("the file", file), ("what --audonnx writes", folder))
        for name, setting in SETTINGS.items()
    }
    print(json.dumps(taken | predicted(folder, int(rate), listed)))
