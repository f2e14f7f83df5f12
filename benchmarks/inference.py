"""How fast exported models hear real clips on this machine's CPU, against the ways in which it could be done otherwise.

    python benchmarks/inference.py [--corpus NAME] [--clips N] [--repeats N] [--audonnx PYTHON] [--publish]

Every way hears the same clips once in each round; ways are timed in turn, so that a busy machine hits all of them, and
the table shows medians over the rounds. Ratios hold within one run; seconds of different runs are not compared.
``--audonnx`` names the Python of an environment with audinterface and audonnx; without it that line is left out.
The network is a ``cnn`` of 16 filters with pooling of statistics; its weights are random, which is no matter of speed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import soundfile
import torch

from emonet_bench.audio import read
from emonet_bench.deploy import Predictor
from emonet_bench.export import Deployed, export, freeze
from emonet_bench.networks import Classifier
from emonet_bench.plugins import Plugins, Selection
from emonet_bench.types import Signal, TrainingSet

RATE = 16_000
SIGNAL = Signal(RATE)
TASK = TrainingSet("speech", ("anger", "happiness", "neutral", "sadness"), 0)
RESULTS = Path(__file__).with_name("RESULTS.md")

Clip = np.ndarray[Any, np.dtype[np.float32]]
Way = Callable[[], object]


@dataclass(frozen=True)
class Scene:
    """What all ways share."""

    files: Sequence[str]
    clips: Sequence[Clip]
    folder: Path
    cores: int

    @property
    def seconds(self) -> float:
        """Of audio."""
        return sum(map(len, self.clips)) / RATE


def classifier(strategy: str) -> Classifier:
    """Build an untrained network; with adapters, theirs are not zero."""
    plugins = Plugins(Selection(strict=True))
    torch.manual_seed(0)
    architecture, way = plugins.architectures["cnn"], plugins.strategies[strategy]
    network = architecture.build(architecture.options(classifier="statistics", number_of_filters=16), SIGNAL)
    made: Classifier = way.prepare(network, [TASK], None, way.options()).classifier
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    return made.eval()


def exported(folder: Path, strategy: str) -> Path:
    """Export a network."""
    path = folder / f"{strategy}.onnx"
    said = {"schema_version": "1", "labels": json.dumps(TASK.labels), "sampling_rate": str(RATE)}
    export(classifier(strategy), TASK.corpus, path, SIGNAL, said)
    return path


def session(path: Path, threads: int) -> Any:
    """Open a file with so many threads for each call."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(opened: Any, clip: Clip) -> object:
    return opened.run(["probabilities"], {"waveform": clip[None], "lengths": np.array([len(clip)])})


def preloaded(opened: Any, clips: Sequence[Clip]) -> None:
    for clip in clips:
        run(opened, clip)


def plain_loop(opened: Any, files: Sequence[str]) -> None:
    """Do what anybody writes first: soundfile and onnxruntime, file by file; clips are mono and at the right rate."""
    for file in files:
        run(opened, soundfile.read(file, dtype="float32")[0])


def eager(network: Deployed, clips: Sequence[Clip]) -> None:
    with torch.inference_mode():
        for clip in clips:
            network(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))


def ways(scene: Scene) -> dict[str, Way]:
    """Name every way with what it does in a round."""
    plain, adapted = (exported(scene.folder, strategy) for strategy in ("scratch", "adapters"))
    network = Deployed(freeze(classifier("scratch"), TASK.corpus), SIGNAL).eval()
    ready, one_core = Predictor(plain, "cpu", scene.cores), Predictor(plain, "cpu", 1)
    return {
        "decoding alone, 1 core": lambda: [read(Path(file), RATE) for file in scene.files],
        "session.run alone, 1 core": partial(preloaded, session(plain, 1), scene.clips),
        "session.run alone, adapted, 1 core": partial(preloaded, session(adapted, 1), scene.clips),
        "torch eager alone, 1 core": partial(eager, network, scene.clips),
        "Predictor, 1 core": lambda: list(one_core.predict(scene.files)),
        f"Predictor, {scene.cores} cores": lambda: list(ready.predict(scene.files)),
        f"soundfile + onnxruntime, {scene.cores} cores": partial(plain_loop, session(plain, scene.cores), scene.files),
    }


def rounds(all_ways: dict[str, Way], repeats: int, other: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Time all ways in turn, after a round that is not counted; return the median seconds of each."""
    taken: dict[str, list[float]] = {}
    for number in range(repeats + 1):
        for name, way in all_ways.items():
            started = time.perf_counter()
            way()
            if number:
                taken.setdefault(name, []).append(time.perf_counter() - started)
        if number:
            for name, seconds in other().items():
                taken.setdefault(f"audonnx, {name}", []).append(seconds)
    return {name: statistics.median(times) for name, times in taken.items()}


def audonnx(python: Path | None, scene: Scene) -> dict[str, float]:
    """Time audinterface and audonnx in their own environment."""
    if python is None:
        return {}
    model, listed = scene.folder / "audonnx.onnx", scene.folder / "files.json"
    if not model.exists():
        loaded = onnx.load(scene.folder / "scratch.onnx")
        loaded.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
        onnx.save(loaded, model)
        listed.write_text(json.dumps(list(scene.files)))
    command = [python, Path(__file__).with_name("audonnx_files.py"), model, str(RATE), listed]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def ratios(taken: dict[str, float], scene: Scene) -> Iterator[tuple[str, float, str]]:
    """Yield what the table is for: a comparison, its ratio and the goal."""
    decoding, raw, adapted, torch_, single, ready, loop, *rest = taken.values()
    bound = (decoding + raw) / scene.cores
    yield "Predictor: share of the bound of decoding and session.run on these cores", bound / ready, "at least 0.9"
    yield "Predictor against soundfile + onnxruntime, file by file", loop / ready, "at least 1.4"
    if rest:
        yield "Predictor against audinterface + audonnx at its best setting", min(rest) / ready, "at least 1.1"
    yield "session.run against torch eager", torch_ / raw, "-"
    yield "adapted against plain, time", adapted / raw, "1.00 to 1.02"
    yield "real-time factor on one core, decoding included", single / scene.seconds, "-"


def tables(taken: dict[str, float], scene: Scene, corpus: str, repeats: int) -> str:
    """Write both tables in Markdown."""
    heard = [f"| {name} | {took:.2f} | {scene.seconds / took:.0f} |" for name, took in taken.items()]
    compared = [f"| {name} | {value:.3f} | {goal} |" for name, value, goal in ratios(taken, scene)]
    head = (
        f"{len(scene.files)} clips of {corpus}, {scene.seconds:.0f} s of audio, {scene.cores} cores "
        f"({platform.processor() or platform.machine()}), onnxruntime {onnxruntime.__version__}, "
        f"torch {torch.__version__}; medians of {repeats} rounds. "
        f"Load average over the last 15 minutes: {os.getloadavg()[2]:.1f}."
    )
    return "\n".join(
        [
            head,
            "",
            "| way | seconds | seconds of audio in a second |",
            "|---|--:|--:|",
            *heard,
            "",
            "| comparison | ratio | goal |",
            "|---|--:|---|",
            *compared,
            "",
        ]
    )


def open_scene(corpus: str, most: int | None, folder: Path) -> Scene:
    """Find the corpus's files and read those that are mono and at the right rate."""
    utterances = Plugins(Selection(strict=True)).corpora[corpus].load()
    files = [str(one.file) for one in utterances if _is_plain(one.file)][:most]
    if not files:
        raise SystemExit(f"--corpus {corpus}: has no mono files at {RATE} Hz; name another one")
    return Scene(files, [read(Path(file), RATE) for file in files], folder, len(os.sched_getaffinity(0)))


def _is_plain(file: Path) -> bool:
    header = soundfile.info(file)
    return bool(header.samplerate == RATE and header.channels == 1)


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", default="emodb", help="whose clips [default: emodb]")
    parser.add_argument("--clips", type=int, help="most clips [default: all]")
    parser.add_argument("--repeats", type=int, default=5, help="rounds [default: 5]")
    parser.add_argument("--audonnx", type=Path, metavar="PYTHON", help="Python of an environment with audonnx")
    parser.add_argument("--publish", action="store_true", help="append the tables to benchmarks/RESULTS.md")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        scene = open_scene(given.corpus, given.clips, Path(folder))
        taken = rounds(ways(scene), given.repeats, lambda: audonnx(given.audonnx, scene))
    text = tables(taken, scene, given.corpus, given.repeats)
    print(text)
    if given.publish:
        with RESULTS.open("a", encoding="utf-8") as results:
            results.write(f"\n## Inference, {datetime.now(UTC):%Y-%m-%d}\n\n{text}")


if __name__ == "__main__":
    main()
