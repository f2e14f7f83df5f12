"""Draws a results directory's table as a terminal shows it: ``python docs/picture.py RESULTS docs/terminal.svg``."""

import io
import sys
from pathlib import Path

from rich.console import Console

from emonet_bench import report


def draw(results: Path, picture: Path) -> None:
    """Write the picture."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print(report.render_rich(report.summarise(report.load(results))))
    console.save_svg(str(picture), title="emonet-bench run matrix")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
