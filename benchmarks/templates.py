"""A stopwatch for authors of plugins: from ``plugins new`` to a ``plugins check`` that passes, for each kind.

    python benchmarks/templates.py [--brief] [--repeats N] [--kinds KIND ...] [--publish]

Commands are whole processes; between the two the package is installed, into a folder of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import parser, show, table

from emonet_bench.cli.scaffold import TRIED

_PIP = ["pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]


def run(arguments: list[str], site: Path) -> float:
    """Run a module of Python that sees what was installed; return the seconds."""
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"python -m {' '.join(arguments)} fails:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


def kind_seconds(kind: str) -> tuple[float, float, float]:
    """Write, install and check a package of a kind; return the seconds of each."""
    name = f"fresh-{kind}"
    with TemporaryDirectory() as directory:
        folder, site = Path(directory), Path(directory) / "site"
        wrote = run(["emonet_bench", "plugins", "new", name, "--kind", kind, "--directory", str(folder)], site)
        installed = run([*_PIP, "--target", str(site), str(folder / name)], site)
        return wrote, installed, run(["emonet_bench", "plugins", "check", name], site)


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("--repeats", type=int, default=3, help="rounds [default: 3]")
    options.add_argument("--kinds", nargs="+", choices=list(TRIED), default=list(TRIED), help="[default: all]")
    given = options.parse_args()
    rounds = 1 if given.brief else given.repeats
    rows = []
    for kind in given.kinds:
        taken = [kind_seconds(kind) for _ in range(rounds)]
        parts = [statistics.median(seconds) for seconds in zip(*taken, strict=True)]
        rows.append([kind, *(f"{seconds:.1f}" for seconds in (*parts, sum(parts)))])
    told = table(["template", "plugins new, s", "pip install, s", "plugins check, s", "together, s"], rows)
    show("Templates", [f"Medians of {rounds}.", told], publish=given.publish)


if __name__ == "__main__":
    main()
