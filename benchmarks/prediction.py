"""What prediction costs beside the model: tables of many clips, the memory of long files, and opening a model.

    python benchmarks/prediction.py [--brief] [--filters N] [--clips N] [--minutes N] [--repeats N] [--older FILE]
        [--publish]

The network is that of ``examples/emodb.toml``, as wide as ``--filters`` says; its weights are random. Clips are noise
of 3 s, a hundred of them named over and over. Tables are written by the functions of ``emonet-predict``. Memory is the
peak of a process that imports the Predictor and scores one file, torch not included. Opening is processor time;
``--older`` names another export of the same network, to be compared.
"""

from __future__ import annotations

import io
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from inference import RATE, Scene, exported, session, variants
from measuring import Way, interleaved, parser, show, table

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.cli.formats import write_csv, write_parquet

PEAK = """
import sys
from pathlib import Path
from emonet_bench.deploy import Predictor
model, file, threads, window = sys.argv[1:]
found = list(Predictor(model, "cpu", int(threads)).predict(file, window=float(window) or None))
assert found
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
OPENED = 15  # times, of which the median counts


def noise(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    shape = (round(seconds * rate), channels)
    return (0.1 * np.random.default_rng(round(seconds)).standard_normal(shape)).astype(np.float32)


def written(folder: Path, count: int) -> list[str]:
    """Write clips; return so many names."""
    for number in range(100):
        soundfile.write(folder / f"{number}.wav", noise(3, RATE), RATE, subtype="PCM_16")
    return [str(folder / f"{number % 100}.wav") for number in range(count)]


def tables(model: Path, files: list[str], folder: Path) -> dict[str, Way]:
    """Name the ways of scoring clips: alone, and with what is written of them."""
    predictor = Predictor(model, "cpu")

    def alone() -> int:
        return sum(1 for _ in predictor.predict(files))

    return {
        "Predictor alone": alone,
        "CSV": lambda: write_csv(predictor, predictor.predict(files), io.StringIO()),
        "Parquet": lambda: write_parquet(predictor, predictor.predict(files), folder / "out.parquet"),
    }


def peak_mb(model: Path, file: Path, threads: int, window: float) -> float:
    """Return the peak memory of a process that scores a file, in MiB."""
    command = [sys.executable, "-c", PEAK, model, file, str(threads), str(window)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


def memory(model: Path, folder: Path, minutes: float) -> Iterator[list[str]]:
    """Yield a row for each kind of long file."""
    for rate, channels in ((RATE, 1), (44_100, 2)):
        file = folder / f"long{rate}.wav"
        with soundfile.SoundFile(file, "w", rate, channels, "PCM_16") as out:
            for _ in range(round(6 * minutes)):
                out.write(noise(10, rate, channels))
        peaks = [peak_mb(model, file, 2, window) for window in (0.0, 3.0)]
        yield [f"{minutes:g} minutes, {rate} Hz, {channels} channels", *(f"{peak:.0f}" for peak in peaks)]


def milliseconds(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median processor time of each way, taken in turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(OPENED):
        for name, way in ways.items():
            began = time.process_time()
            way()
            taken[name].append(1e3 * (time.process_time() - began))
    return {name: statistics.median(each) for name, each in taken.items()}


def opening(alone: Path, model: Path, twin: Path, older: Path | None) -> Iterator[list[str]]:
    """Yield a row for each way of opening a network."""
    ways = {
        "session of the file": partial(session, alone, 1),
        "session of the twin": partial(session, twin, 1),
        "Predictor of the file": partial(Predictor, alone, "cpu", 1),
        "Predictor of the file with its twin": partial(Predictor, model, "cpu", 1),
        **({} if older is None else {"session of the older export": partial(session, older, 1)}),
    }
    for name, cost in milliseconds(ways).items():
        yield [name, f"{cost:.1f}"]


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("--filters", type=int, default=8, help="of the network [default: 8]")
    options.add_argument("--clips", type=int, default=10_000, help="of a table [default: 10000]")
    options.add_argument("--minutes", type=float, default=10, help="of a long file [default: 10]")
    options.add_argument("--repeats", type=int, default=3, help="rounds [default: 3]")
    options.add_argument("--older", type=Path, metavar="FILE", help="another export of the same network")
    given = options.parse_args()
    if given.brief:
        given.clips, given.minutes, given.repeats = 40, 0.5, 1
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = written(folder, given.clips)
        clips = [soundfile.read(file, dtype="float32")[0] for file in files[:16]]
        scene = Scene(files, clips, folder, 1, given.filters)
        model, alone = exported(scene, "scratch"), folder / "alone.onnx"
        alone.write_bytes(model.read_bytes())
        twin, _, _ = variants(scene)
        costs = interleaved(tables(model, files, folder), given.repeats)
        best = costs["Predictor alone"].seconds
        rows = [
            [way, f"{own.seconds:.2f}", f"{len(files) / own.seconds:.0f}", f"{best / own.seconds:.2f}"]
            for way, own in costs.items()
        ]
        parts = [
            f"A cnn of {given.filters} filters with its unmasked twin; {given.clips} clips of 3 s.",
            table(["what is written", "seconds", "clips in a second", "of the Predictor"], rows),
            table(["peak MiB, 2 threads", "as a whole", "windows of 3 s"], memory(model, folder, given.minutes)),
            table(["opening", "milliseconds"], opening(alone, model, twin, given.older)),
        ]
    show("Prediction", parts, publish=given.publish)


if __name__ == "__main__":
    main()
