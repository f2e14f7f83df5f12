"""What the server costs here: requests and streams, against the Predictor alone and a plain FastAPI handler.

    python benchmarks/serving.py [--brief] [--filters N] [--requests N] [--streams N] [--long N] [--repeats N]
        [--publish]

The network is that of ``examples/emodb.toml``, as wide as ``--filters`` says; its weights are random, which is no
matter of speed. Clients run on the same cores as the server: what they cost is counted against it, and told beside what
the server costs. The server is a process of its own, as ``emonet-bench serve`` starts it. Ways take turns within a
round; ratios hold within one run, and seconds of different runs are not compared. FastAPI is measured where it is
installed.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from clients import RATE, Load, asked, form, middle, processor_seconds, resident_mb, streamed
from measuring import parser, show, table

from emonet_bench.deploy import Predictor

SECONDS = 3.0
EXAMPLE = Path(__file__).parents[1] / "examples" / "emodb.toml"
PLAIN = """
import io, sys
import fastapi, numpy as np, onnxruntime, soundfile, uvicorn
app = fastapi.FastAPI()
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
@app.post("/v1/audio/emotions")
def emotions(file: fastapi.UploadFile):
    clip, _ = soundfile.read(io.BytesIO(file.file.read()), dtype="float32")
    (found,) = session.run(["probabilities"], {"waveform": clip[None], "lengths": np.array([len(clip)])})
    return {"scores": found[0].tolist()}
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print("Serving at http://127.0.0.1:%d" % port, file=sys.stderr, flush=True)
Server(uvicorn.Config(app, port=0, log_level="error", access_log=False)).run()
"""


def export(path: Path, filters: int) -> None:
    import torch  # noqa: PLC0415 - slow

    from emonet_bench.export import export as write  # noqa: PLC0415
    from emonet_bench.networks import build_classifier  # noqa: PLC0415
    from emonet_bench.plugins.loading import Plugins  # noqa: PLC0415
    from emonet_bench.types import InputSpec, TrainingSet  # noqa: PLC0415

    labels = ("anger", "happiness", "neutral", "sadness")
    options = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["options"]["cnn"] | {"number_of_filters": filters}
    architecture = Plugins().architectures["cnn"]
    torch.manual_seed(0)
    network = architecture.build(architecture.options(**options), InputSpec(RATE))
    classifier = build_classifier(network, [TrainingSet("speech", labels, 0)]).eval()
    metadata = {"schema_version": "1", "labels": json.dumps(labels), "sampling_rate": str(RATE)}
    write(classifier, "speech", path, InputSpec(RATE), metadata)


@contextmanager
def running(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a server that says where it serves."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            while not (found := re.search(r"Serving .*:(\d+)$", process.stderr.readline().strip())):
                assert process.poll() is None, "the server did not start"
            yield process, int(found.group(1))
        finally:
            process.terminate()


def alone(model: Path, file: Path, count: int) -> Load:
    predictor = Predictor(model, "cpu")
    started, before = time.perf_counter(), time.process_time()
    assert sum(1 for _ in predictor.predict([file] * count)) == count
    return Load(count / (time.perf_counter() - started), 0, 0, 1e3 * (time.process_time() - before) / count)


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--filters", type=int, default=8)
    made.add_argument("--requests", type=int, default=1_500)
    made.add_argument("--streams", type=int, default=64)
    made.add_argument("--long", type=int, default=20_000, help="requests over which memory is watched")
    made.add_argument("--repeats", type=int, default=3)
    given = made.parse_args()
    if given.brief:
        given.requests, given.streams, given.long, given.repeats = 40, 4, 200, 1
    with TemporaryDirectory() as folder:
        model, file = Path(folder, "model.onnx"), Path(folder, "clip.wav")
        export(model, given.filters)
        clip = (0.1 * np.random.default_rng(0).standard_normal(round(SECONDS * RATE))).astype(np.float32)
        soundfile.write(file, clip, RATE, subtype="PCM_16")
        content = file.read_bytes()
        ours = [sys.executable, "-m", "emonet_bench", "serve", str(model), "--port", "0"]
        ways: dict[str, list[str]] = {
            "emonet-bench serve": ours,
            "the same, 2 workers": [*ours, "--workers", "2", "--jobs", "1"],
        }
        if find_spec("fastapi"):
            ways["a plain FastAPI handler"] = [sys.executable, "-c", PLAIN, str(model)]
        what = f"A cnn of {given.filters} filters; clips of {SECONDS:g} s; {given.requests} requests a row"
        parts = [
            f"{what}, medians of {given.repeats} rounds.",
            requests_table(
                ways, lambda: alone(model, file, given.requests), form(content), given.requests, given.repeats
            ),
            *streams_and_memory(ours, clip, form(content), given.streams, given.long, 3.0 if given.brief else 20.0),
        ]
    show("Serving", parts, publish=given.publish)


def requests_table(
    ways: dict[str, list[str]], predictor: Callable[[], Load], request: bytes, count: int, repeats: int
) -> str:
    """Measure ways in turn at 1, 8 and 64 clients."""
    counts = (1, 8, 64)
    loads: dict[tuple[str, int], list[Load]] = {}
    reference = []
    for number in range(repeats + 1):
        reference += [predictor()] if number else []
        for name, command in ways.items():
            with running(command) as (process, port):
                asked(process.pid, port, request, 8, 50)  # the first ones are slower everywhere
                for clients in counts if number else ():
                    load = asked(process.pid, port, request, clients, count)
                    loads.setdefault((name, clients), []).append(load)
    best = middle(reference)
    rows = [("Predictor alone, on files", "", f"{best.rate:.0f}", "", "", "1.00", f"{best.processor:.2f}", "")]
    for (name, clients), found in loads.items():
        one = middle(found)
        figures = (f"{one.rate:.0f}", f"{one.p50:.1f}", f"{one.p99:.1f}", f"{one.rate / best.rate:.2f}")
        rows.append((name, str(clients), *figures, f"{one.processor:.2f}", f"{one.client:.2f}"))
    costs = ("processor ms", "clients' ms")
    return table(("way", "clients", "requests/s", "p50 ms", "p99 ms", "of the Predictor", *costs), rows)


def streams_and_memory(
    command: list[str], clip: np.ndarray, request: bytes, streams: int, long: int, seconds: float
) -> list[str]:
    """Measure streams in real time, and memory over many requests."""
    with running(command) as (process, port):
        before, ours = processor_seconds(process.pid), time.process_time()
        count, median, most = asyncio.run(streamed(port, clip, streams, seconds))
        cores = (processor_seconds(process.pid) - before) / seconds
        clients = (time.process_time() - ours) / seconds
    told = (
        f"{streams} streams of 20 ms chunks and 1 s windows for {seconds:g} s: {count} scores, {1e3 * median:.0f} ms "
        f"(median) and at most {1e3 * most:.0f} ms after the last sample of each was sent; the server took {cores:.2f} "
        f"cores, its clients {clients:.2f}."
    )
    with running(command) as (process, port):
        sizes = []
        for _ in range(10):
            asked(process.pid, port, request, 64, long // 10)
            sizes.append(f"{resident_mb(process.pid):.0f}")
    return [told, f"Resident memory in MiB after each tenth of {long} requests from 64 clients: {', '.join(sizes)}."]


if __name__ == "__main__":
    main()
