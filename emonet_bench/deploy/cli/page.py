"""``emonet-predict page``: a page that runs a model in the browser, without a server."""

from __future__ import annotations

from pathlib import Path

import click

from emonet_bench.console.paths import PathParam


@click.command()
@click.argument("model", type=PathParam())
@click.option("-o", "--output", required=True, type=PathParam(), metavar="DIR", help="Where the page is written.")
@click.option(
    "--runtime",
    type=PathParam(),
    metavar="DIR",
    help="Folder of the npm package onnxruntime-web [default: npm fetches it].",
)
def page(model: Path, output: Path, runtime: Path | None) -> None:
    """Write a page that runs MODEL, a file that `emonet-bench export` wrote, in the browser: no audio leaves it.

    Open DIR/index.html, or put the folder on any web server.
    """
    from emonet_bench.deploy.serving.browser import write_page  # noqa: PLC0415 - opens onnxruntime

    write_page(model, output, runtime)
    click.echo(f"{output / 'index.html'}: open it in a browser; nothing it hears leaves the machine")
