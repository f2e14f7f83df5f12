"""One epoch of the same network, crops and batches in this harness, in autrainer and in speechbrain.

    python benchmarks/frameworks.py [--brief] [--corpus emodb] [--epochs N] [--repeats N] [--threads N] [--workers N]
        [--way WAY ...] [--publish] [NETWORK ...]

Needs all three in one environment. From one that has emonet-bench, with torch 2.11:

    python -m venv frameworks && echo "$(python -c 'import torch; print(torch.__path__[0][:-6])')" > \
        frameworks/lib/python3.11/site-packages/base.pth
    frameworks/bin/pip install autrainer==0.10.0 speechbrain torch==2.11.0 torchaudio==2.11.0 torchvision==0.26.0
    frameworks/bin/python benchmarks/frameworks.py

An epoch is what lies between the ends of two: loading, training, scoring dev, and what is saved meanwhile; the first is
not counted. Nothing is augmented; windows of three seconds, and as long a stretch of each dev clip. Every way has the
same threads, and trains in a process of its own, the ways in turn. The others decode each file anew in every epoch, for
neither keeps waveforms; autrainer can compute spectrograms beforehand (its ``preprocess``), which spares it the front
end, too. Both train in float32: autrainer has no other precision, speechbrain's bfloat16 is an option that is off. By
default the harness takes bfloat16 where the CPU multiplies it. Loader workers are for the others alone; by default, as
by theirs, the main process loads.

``cnn, 8 filters`` is our network in every way. ``ResNet-18`` (11.2 million parameters) is torchvision's: autrainer
trains it as its own configurations ``ResNet-18`` and ``log_mel_16k`` say, the harness and speechbrain as the
architecture of ``resnet18.py``, whose kernels lie in memory channels-last, as those of our networks do.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from measuring import parser, show, table

SCRIPT = Path(__file__).with_name("framework_trainings.py")
NEEDED = ("autrainer", "speechbrain", "torchvision")


class Taken(NamedTuple):
    """What an epoch took in one process, and the most memory of the process in MiB."""

    seconds: float
    processor: float
    peak_mb: float


def taken(way: str, setting: str) -> Taken:
    """Train in one way; return the median over its epochs but the first."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, str(SCRIPT), way, setting, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{way}: {done.stderr.strip()}")
    told = json.loads(done.stdout.splitlines()[-1])
    epochs = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(told["clocks"])]
    seconds, processor = (statistics.median(column) for column in zip(*epochs, strict=True))
    print(f"{way}: {seconds:.2f} s an epoch, {processor:.2f} of processor", file=sys.stderr)
    return Taken(seconds, processor, told["peak_mb"])


def rows(network: str, ways: Sequence[str], setting: str, repeats: int) -> Iterator[list[str]]:
    """Measure all ways of one network in turn; yield a row for each."""
    rounds = [{way: taken(way, setting) for way in ways} for _ in range(repeats)]
    found = {way: Taken(*map(statistics.median, zip(*(one[way] for one in rounds), strict=True))) for way in ways}
    first = next(iter(found.values()))
    for way, one in found.items():
        figures = (f"{one.seconds:.2f}", f"{one.processor:.2f}", f"{one.peak_mb:.0f}")
        yield [network, way, *figures, f"{one.seconds / first.seconds:.2f}"]


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("networks", nargs="*", metavar="NETWORK", help="'cnn, 8 filters', ResNet-18 [default: both]")
    options.add_argument("--corpus", default="emodb", help="one audio file for each clip [default: emodb]")
    options.add_argument(
        "--epochs", type=int, default=4, help="of each training; the first is not counted [default: 4]"
    )
    options.add_argument("--repeats", type=int, default=2, help="rounds [default: 2]")
    options.add_argument("--threads", type=int, default=1, help="threads of every way [default: 1]")
    options.add_argument("--workers", type=int, default=0, help="loader workers of the other frameworks [default: 0]")
    options.add_argument("--way", action="append", dest="ways", help="measure this one only; may be repeated")
    options.add_argument("--limit", type=int, help="most clips of each partition [default: all]")
    given = options.parse_args()
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise SystemExit(f"{', '.join(missing)} not installed: the text at the top of {Path(__file__).name} says how")
    from framework_trainings import NETWORKS, WAYS, Setting  # noqa: PLC0415 - the refusal needs no torch

    networks, ways = given.networks or list(NETWORKS), given.ways or list(WAYS)
    if given.brief:
        networks, given.epochs, given.repeats, given.limit = networks[:1], 2, 1, 32
    shared = (given.corpus, given.epochs, 32, given.threads, given.workers, given.limit)
    settings = {name: json.dumps(asdict(Setting(name, *shared))) for name in networks}
    clips = {part: len(found) for part, found in Setting(networks[0], *shared).files().items()}
    lines = [row for name in networks for row in rows(name, ways, settings[name], given.repeats)]
    head = ["network", "way", "seconds an epoch", "of processor", "peak, MiB", "times the first"]
    said = (
        f"{given.corpus}: {clips['train']} training clips in batches of 32, {clips['dev']} of dev; {given.threads} "
        f"threads, {given.workers} loader workers; medians of {given.epochs - 1} epochs, and of {given.repeats} rounds."
    )
    show("Frameworks", [said, table(head, lines)], publish=given.publish)


if __name__ == "__main__":
    main()
