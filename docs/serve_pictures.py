"""Take the screenshots of docs/serving.md, where playwright and Chromium are.

    python docs/serve_pictures.py MODEL RUNTIME CLIP

RUNTIME is a folder of onnxruntime-web.
"""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from emonet_bench.deploy.serving import Settings, create_app
from emonet_bench.deploy.serving.browser import write_page
from emonet_bench.deploy.serving.server import Server, address, bind, configuration

DOCS = Path(__file__).parent


def picture(browser: Browser, url: str, clip: Path, name: str, width: int, scheme: Literal["light", "dark"]) -> None:
    view = browser.new_page(viewport={"width": width, "height": 700}, color_scheme=scheme)
    view.goto(url)
    view.locator("body[data-ready]").wait_for()
    view.set_input_files("#file", clip)
    view.locator("#status", has_text="s heard:").wait_for()
    view.screenshot(path=DOCS / name, full_page=True)


def main(model: Path, runtime: Path, clip: Path) -> None:
    settings = Settings((model,), "cpu")
    bound = bind("127.0.0.1", 0)
    server, url = Server(configuration(create_app(settings), settings)), address(bound)
    thread = threading.Thread(target=server.run, args=([bound],))
    thread.start()
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        write_page(model, Path(folder), runtime)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        picture(browser, url, clip, "serve-desk.png", 900, "light")
        page = (Path(folder) / "index.html").as_uri()
        picture(browser, page, clip, "serve-phone.png", 390, "dark")
        browser.close()
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
