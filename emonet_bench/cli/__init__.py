"""The command line, ``emonet-bench``: one file for each command, imported when it is invoked."""

from __future__ import annotations

import logging
import os
from typing import Any

import rich_click as click

from emonet_bench import __version__
from emonet_bench.cli.shell import Shell, selection
from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import LogFormatter

# Torch reads it when it is imported, in workers too: its exporter talks to itself.
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

COMMANDS = {
    "run": ("emonet_bench.cli.run", "Train and score a matrix of corpora, architectures and strategies."),
    "status": ("emonet_bench.cli.status", "Look at a matrix that runs elsewhere: cells, epochs, failures."),
    "report": ("emonet_bench.cli.report", "Show the results of a matrix as a table or as a web page."),
    "score": ("emonet_bench.cli.score", "Score predictions that others made, and compare them with results."),
    "verify": ("emonet_bench.cli.verify", "Check that the stated scores follow from the predictions."),
    "reproduce": ("emonet_bench.cli.reproduce", "Train a run again and compare."),
    "export": ("emonet_bench.cli.export", "Write a trained run as one ONNX file."),
    "card": ("emonet_bench.cli.card", "Measure what an ONNX file does: robustness, subgroups, calibration, cost."),
    "predict": ("emonet_bench.deploy.cli.predict", "Predict labels of audio files with an ONNX file."),
    "serve": ("emonet_bench.deploy.cli.serve", "Serve ONNX files over HTTP and WebSocket, with a page to try them."),
    "page": ("emonet_bench.deploy.cli.page", "Write a page that runs an ONNX file in the browser."),
    "verify-model": (
        "emonet_bench.deploy.cli.verify_model",
        "Check that an ONNX file says here what it said where it was exported.",
    ),
    "show": ("emonet_bench.cli.show", "Describe an ONNX file or a run."),
    "features": ("emonet_bench.cli.features", "Compute frozen features ahead, list what is kept, remove it."),
    "corpora": ("emonet_bench.cli.corpora", "List the known corpora, and look into one."),
    "plugins": ("emonet_bench.cli.plugins", "List the installed plugins and what they register."),
    "doctor": ("emonet_bench.cli.doctor", "Check this machine: versions, devices, corpora, cache."),
}
_PANELS = [
    {"name": "Benchmark", "commands": ["run", "features", "status", "report", "score", "verify", "reproduce"]},
    {"name": "Deploy", "commands": ["export", "card", "predict", "serve", "page", "show", "verify-model"]},
    {"name": "Look around", "commands": ["corpora", "plugins", "doctor"]},
]


@click.group(
    cls=Shell,
    lazy=COMMANDS,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "rich_help_config": {"command_groups": {"emonet-bench": _PANELS}},
    },
)
@click.version_option(__version__, prog_name="emonet-bench")
@click.option("-v", "--verbose", count=True, metavar="", help="Log what happens; twice: every detail.")
@click.option(
    "--plugin",
    multiple=True,
    is_eager=True,  # so that --help knows its commands
    type=PathParam(),
    metavar="FILE",
    help="Load a plugin from a single Python file, too. Repeatable.",
)
@click.option("--strict", is_flag=True, is_eager=True, help="Stop at a broken plugin instead of leaving it out.")
@click.option(
    "--corpora-dir",
    is_eager=True,
    type=PathParam(),
    metavar="DIR",
    help="Where corpora lie, a folder for each [default: EMONET_BENCH_CORPORA_DIR].",
)
@click.pass_context
def main(ctx: click.RichContext, /, verbose: int, **_: Any) -> None:
    """Benchmark speech emotion recognition: corpora x architectures x strategies, and deploy the winner as ONNX.

    Start with `emonet-bench run matrix`: it needs no data.
    """
    if verbose:
        level = logging.INFO if verbose == 1 else logging.DEBUG
        handler = logging.StreamHandler()
        handler.setFormatter(LogFormatter("%(levelname)s %(name)s: %(message)s"))
        logging.basicConfig(level=level, handlers=[handler])
    ctx.obj = selection(ctx)
