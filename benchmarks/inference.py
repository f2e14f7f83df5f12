"""How fast exported models hear real clips on this machine's CPU, against the ways in which it could be done otherwise.

    python benchmarks/inference.py [--brief] [--filters N] [--corpus NAME] [--clips N] [--repeats N] [--audonnx PYTHON]
        [--publish]

Every way hears the same clips once in each round; ways are timed in turn, so that a busy machine hits all of them, and
the table shows medians over the rounds. Ratios hold within one run; seconds of different runs are not compared.
``--audonnx`` names the Python of an environment with audinterface, audonnx and emonet-predict, which are timed in one
process by one onnxruntime; without it those lines are left out. The bound is what the cores really reach: threads of
which each decodes a file and runs the twin on it, with nothing else (two cores are often threads of one, and decoding
and network take the caches from each other, so that even one thread needs longer for both than for each alone).
``Predictor`` uses the unmasked twin, as it does beside a file that was exported with ``--single``; the loop has the
file itself, and audonnx both that and what ``--audonnx`` writes. The network is that of ``examples/emodb.toml``, as
wide as ``--filters`` says; its weights are random, which is no matter of speed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import soundfile
import torch
from measuring import Cost, Way, interleaved, parser, show, table

from emonet_bench.audio import read
from emonet_bench.deploy import Predictor
from emonet_bench.export import ExportModule, export, export_audonnx, export_single, freeze
from emonet_bench.export.quantisation import quantise_graph
from emonet_bench.networks import Classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.types import InputSpec, TrainingSet

RATE = 16_000
SIGNAL = InputSpec(RATE)
GOALS = {8: ("at least 1.6", "at least 1.25"), 16: ("at least 1.35", "at least 1.1")}
"""By filters: against the loop, and against audonnx."""

TASK = TrainingSet("speech", ("anger", "happiness", "neutral", "sadness"), 0)
EXAMPLE = Path(__file__).parents[1] / "examples" / "emodb.toml"

Clip = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Scene:
    """What all ways share."""

    files: Sequence[str]
    clips: Sequence[Clip]
    folder: Path
    cores: int
    filters: int

    @property
    def seconds(self) -> float:
        """Of audio."""
        return sum(map(len, self.clips)) / RATE


def classifier(strategy: str, filters: int) -> Classifier:
    """Build an untrained network; with adapters, theirs are not zero."""
    chosen = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["options"]["cnn"]
    plugins = Plugins(Selection(strict=True))
    torch.manual_seed(0)
    architecture, way = plugins.architectures["cnn"], plugins.strategies[strategy]
    network = architecture.build(architecture.options(**{**chosen, "number_of_filters": filters}), SIGNAL)
    made: Classifier = way.prepare(network, [TASK], None, way.options()).classifier
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    return made.eval()


def exported(scene: Scene, strategy: str) -> Path:
    """Export a network."""
    path = scene.folder / f"{strategy}.onnx"
    said = {"schema_version": "1", "labels": json.dumps(TASK.labels), "sampling_rate": str(RATE)}
    export(classifier(strategy, scene.filters), TASK.corpus, path, SIGNAL, said)
    return path


def variants(scene: Scene) -> tuple[Path, Path, Path]:
    """Write the unmasked twin, its int8 variant and what audonnx loads, beside the file."""
    model, network = scene.folder / "scratch.onnx", classifier("scratch", scene.filters)
    twin, _ = export_single(network, TASK.corpus, model, SIGNAL)
    int8 = scene.folder / "int8.onnx"
    quantise_graph(twin, int8, ({"waveform": clip[None]} for clip in scene.clips[:16]))
    return twin, int8, export_audonnx(network, TASK.corpus, model, SIGNAL)


def session(path: Path, threads: int) -> Any:
    """Open a file with so many threads for each call."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(opened: Any, clip: Clip) -> object:
    given = {"waveform": clip[None], "lengths": np.array([len(clip)])}
    return opened.run(["probabilities"], {value.name: given[value.name] for value in opened.get_inputs()})


def preloaded(opened: Any, clips: Sequence[Clip]) -> None:
    for clip in clips:
        run(opened, clip)


def bound(opened: Any, files: Sequence[str], threads: int) -> None:
    """Decode and run, nothing else, in threads that take the next file from a common list."""
    left = iter(files)

    def take() -> None:
        for file in left:
            run(opened, read(Path(file), RATE))

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(take) for _ in range(threads)]:
            done.result()


def plain_loop(opened: Any, files: Sequence[str]) -> None:
    """Do what anybody writes first: soundfile and onnxruntime, file by file; clips are mono and at the right rate."""
    for file in files:
        run(opened, soundfile.read(file, dtype="float32")[0])


def eager(network: ExportModule, clips: Sequence[Clip]) -> None:
    with torch.inference_mode():
        for clip in clips:
            network(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))


def ways(scene: Scene) -> dict[str, Way]:
    """Name every way with what it does in a round."""
    plain, adapted = (exported(scene, strategy) for strategy in ("scratch", "adapters"))
    twin, int8, _ = variants(scene)
    network = ExportModule(freeze(classifier("scratch", scene.filters), TASK.corpus), SIGNAL).eval()
    ready, one_core = Predictor(plain, "cpu", scene.cores), Predictor(plain, "cpu", 1)
    small = Predictor(int8, "cpu", scene.cores)
    return {
        "decoding alone, 1 core": lambda: [read(Path(file), RATE) for file in scene.files],
        "session.run alone, 1 core": partial(preloaded, session(plain, 1), scene.clips),
        "session.run alone, adapted, 1 core": partial(preloaded, session(adapted, 1), scene.clips),
        "session.run alone, twin, 1 core": partial(preloaded, session(twin, 1), scene.clips),
        "session.run alone, int8, 1 core": partial(preloaded, session(int8, 1), scene.clips),
        "decoding and session.run, twin, 1 thread": partial(bound, session(twin, 1), scene.files, 1),
        f"decoding and session.run, twin, {scene.cores} threads": partial(
            bound, session(twin, 1), scene.files, scene.cores
        ),
        "torch eager alone, 1 core": partial(eager, network, scene.clips),
        "Predictor, 1 core": lambda: list(one_core.predict(scene.files)),
        f"Predictor, {scene.cores} cores": lambda: list(ready.predict(scene.files)),
        f"Predictor, int8, {scene.cores} cores": lambda: list(small.predict(scene.files)),
        f"soundfile + onnxruntime, {scene.cores} cores": partial(plain_loop, session(plain, scene.cores), scene.files),
    }


class Audonnx:
    """audinterface and audonnx in an environment of their own, whose Python is given; it tells its seconds itself."""

    def __init__(self, python: Path, scene: Scene) -> None:
        model, listed = scene.folder / "audonnx.onnx", scene.folder / "files.json"
        loaded = onnx.load(scene.folder / "scratch.onnx")
        loaded.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
        onnx.save(loaded, model)
        listed.write_text(json.dumps(list(scene.files)))
        script, ours = Path(__file__).with_name("audonnx_files.py"), scene.folder / "scratch.audonnx"
        self.command = [python, script, model, ours, str(RATE), listed]
        self.rounds: list[dict[str, float]] = []

    def __call__(self) -> None:
        """Hear all files once with each setting."""
        done = subprocess.run(self.command, capture_output=True, text=True, check=True)
        self.rounds.append(json.loads(done.stdout.splitlines()[-1]))

    def seconds(self) -> dict[str, float]:
        """Return the median seconds of each setting; the first round is not counted."""
        return {setting: statistics.median(each[setting] for each in self.rounds[1:]) for setting in self.rounds[0]}


def measured(scene: Scene, python: Path | None, repeats: int) -> tuple[dict[str, Cost], dict[str, float]]:
    """Take all ways in turn; return what they took, and the seconds of audonnx."""
    own = ways(scene)
    if python is None:
        return interleaved(own, repeats), {}
    other = Audonnx(python, scene)
    taken = interleaved({**own, "audonnx": other}, repeats)
    return {name: taken[name] for name in own}, other.seconds()


def ratios(taken: Mapping[str, Cost], others: Mapping[str, float], scene: Scene) -> Iterator[list[str]]:
    """Yield what the tables are for: a comparison, its ratio and the goal."""
    _, raw, adapted, twin, int8, alone, reached, torch_, single, ready, small, loop = (
        own.seconds for own in taken.values()
    )
    against_loop, against_audonnx = GOALS.get(scene.filters, ("-", "-"))
    found = [
        ("Predictor: share of the bound of decoding and session.run on these cores", reached / ready, "at least 0.95"),
        *(
            (f"the same in a process without torch, {name}", others[f"decoding and session.run, {name}"] / own, goal)
            for name, goal in (("2 threads", "at least 0.95"), ("1 thread", "-"))
            if (own := others.get(f"Predictor, {name}"))
        ),
        ("decoding and session.run: these cores against one", alone / reached, "-"),
        ("Predictor on one core: share of decoding and session.run on one", alone / single, "-"),
        ("Predictor against soundfile + onnxruntime, file by file", loop / ready, against_loop),
        *(
            (
                f"Predictor against audinterface + audonnx at its best setting, {which}",
                best / others["Predictor, 2 threads"],
                goal,
            )
            for which, goal in (("the file", against_audonnx), ("what --audonnx writes", "-"))
            for best in sorted(taken for name, taken in others.items() if which in name)[:1]
        ),
        ("int8 against float32, session.run, both without masks", twin / int8, "at least 1.8"),
        ("int8 against the file, session.run", raw / int8, "-"),
        ("int8 against float32, Predictor", ready / small, "-"),
        ("the file against its twin, time", raw / twin, "-"),
        ("session.run against torch eager", torch_ / raw, "-"),
        ("adapted against plain, time", adapted / raw, "1.00 to 1.02"),
        ("real-time factor on one core, decoding included", single / scene.seconds, "-"),
    ]
    yield from ([name, f"{value:.3f}", goal] for name, value, goal in found)


def rows(taken: Mapping[str, Cost], others: Mapping[str, float], scene: Scene) -> Iterator[list[str]]:
    """Yield a row for each way."""
    for name, own in taken.items():
        yield [name, f"{own.seconds:.2f}", f"{scene.seconds / own.seconds:.0f}", f"{own.peak_mb:.0f}"]
    for name, seconds in others.items():
        yield [name, f"{seconds:.2f}", f"{scene.seconds / seconds:.0f}", "-"]


def open_scene(corpus: str, most: int | None, filters: int, folder: Path) -> Scene:
    """Find the corpus's files and read those that are mono and at the right rate."""
    utterances = Plugins(Selection(strict=True)).corpora[corpus].load()
    files = [str(one.file) for one in utterances if _is_plain(one.file)][:most]
    if not files:
        raise SystemExit(f"--corpus {corpus}: has no mono files at {RATE} Hz; name another one")
    return Scene(files, [read(Path(file), RATE) for file in files], folder, len(os.sched_getaffinity(0)), filters)


def _is_plain(file: Path) -> bool:
    header = soundfile.info(file)
    return bool(header.samplerate == RATE and header.channels == 1)


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("--filters", type=int, default=8, help="of the network [default: 8]")
    options.add_argument("--corpus", default="emodb", help="whose clips [default: emodb]")
    options.add_argument("--clips", type=int, help="most clips [default: all]")
    options.add_argument("--repeats", type=int, default=5, help="rounds [default: 5]")
    options.add_argument("--audonnx", type=Path, metavar="PYTHON", help="Python of an environment with audonnx")
    given = options.parse_args()
    if given.brief:
        given.clips, given.repeats = 8, 1
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        scene = open_scene(given.corpus, given.clips, given.filters, Path(folder))
        taken, others = measured(scene, given.audonnx, given.repeats)
    said = (
        f"A cnn of {given.filters} filters; {len(scene.files)} clips of {given.corpus}, "
        f"{scene.seconds:.0f} s of audio, onnxruntime {onnxruntime.__version__}; medians of {given.repeats} rounds. "
        "Peak memory is this process's, torch included."
    )
    first = table(["way", "seconds", "seconds of audio in a second", "peak, MiB"], rows(taken, others, scene))
    second = table(["comparison", "ratio", "goal"], ratios(taken, others, scene))
    show("Inference", [said, first, second], publish=given.publish)


if __name__ == "__main__":
    main()
