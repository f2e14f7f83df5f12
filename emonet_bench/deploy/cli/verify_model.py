"""``emonet-predict verify-model``: does a file say here what it said where it was exported?"""

from __future__ import annotations

from pathlib import Path

import click

from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import say


@click.command(name="verify-model")
@click.argument("model", type=PathParam())
@click.pass_context
def verify_model(context: click.Context, model: Path) -> None:
    """Check MODEL against its description, the JSON file beside it: SHA-256, metadata, and the test vectors.

    Exit status 1 says that something does not fit.
    """
    from emonet_bench.deploy.verification import verify_model as verify  # noqa: PLC0415 - onnxruntime

    found = verify(model)
    for check in (check for check in found.checks if check.passed):
        of = f"{model}: {check.task}" if check.task else str(model)
        say(f"{of}: at {check.sampling_rate} Hz {check.difference:.1e} off; {check.tolerance:g} are allowed")
    for problem in found.problems:
        say(problem, err=True)
    if found.problems:
        context.exit(1)
    say(f"{model}: says here what it said where it was exported")
