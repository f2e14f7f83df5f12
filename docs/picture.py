"""Draws the pictures of a results directory.

python docs/picture.py RESULTS docs/terminal.svg   # its table as a terminal shows it
python docs/picture.py RESULTS docs                # its page: light, dark, on a phone (playwright, chromium)
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from emonet_bench import report
from emonet_bench.report.html import render_html

VIEWS = {  # size, colours, section
    "report-light.png": ((1200, 1000), "light", "overview"),
    "report-dark.png": ((1200, 1000), "dark", "gain"),
    "report-zero-shot.png": ((1200, 760), "light", "zero-shot"),
    "report-phone.png": ((390, 844), "light", "results"),
}


def draw_table(table: report.Table, picture: Path) -> None:
    """Draw what a terminal of 80 columns shows."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print(report.render_rich(table))
    console.save_svg(str(picture), title="emonet-bench run matrix")


def draw_page(table: report.Table, folder: Path) -> list[Path]:
    """Draw the page from its top or from a section; a section that it lacks has no picture."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - the terminal's picture does without

    page, drawn = render_html(table), []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        file = Path(name) / "report.html"
        file.write_text(page, encoding="utf-8")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for picture, ((width, height), colours, section) in VIEWS.items():
            if f'id="{section}"' not in page:
                continue
            view = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=colours, reduced_motion="reduce"
            )
            view.goto(file.as_uri() + ("" if section == "overview" else f"#{section}"))
            view.screenshot(path=folder / picture)
            drawn.append(folder / picture)
        browser.close()
    return drawn


def main() -> None:
    results, target = Path(sys.argv[1]), Path(sys.argv[2])
    table = report.summarise(report.load(results))
    if target.suffix == ".svg":
        draw_table(table, target)
    else:
        print(*draw_page(table, target), sep="\n")


if __name__ == "__main__":
    main()
