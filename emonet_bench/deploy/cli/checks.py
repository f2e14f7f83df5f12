"""Checks of ``predict``'s options: what does not go together is refused before any work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from emonet_bench.console.outputs import check_output
from emonet_bench.deploy.cli.formats import ANNOTATIONS, check_parquet
from emonet_bench.errors import ConfigError

_RESUMABLE = frozenset({"csv", "jsonl"})


def is_timeline(form: str, given: Mapping[str, Any]) -> bool:
    """Tell whether segments are asked for, and not stretches."""
    asked = given["timeline"] or given["smooth"] or given["min_duration"] or given["gate"] is not None
    return bool(asked or form in ANNOTATIONS)


def check_inputs(context: click.Context, files: Sequence[str], given: Mapping[str, Any]) -> None:
    """Hold options to where the audio comes from.

    Raises:
        ConfigError: An option is for another source of audio.
        click.UsageError: There is no audio.
    """
    if given["stream"]:
        if files:
            raise ConfigError("--stream: audio comes from standard input; leave FILES out")
        return
    for name in ("rate", "channels"):
        if given[name] is not None:
            raise ConfigError(f"--{name}: is for raw PCM from standard input; add --stream")
    if not files:
        raise click.UsageError("FILES: name files or folders, or - to read names from standard input", context)


def check_outputs(form: str, given: Mapping[str, Any]) -> None:
    """Hold options to what is written, and where.

    Raises:
        ConfigError: An option needs another one, or a package.
        StoreError: The output's directory is missing.
    """
    output = given["output"]
    if is_timeline(form, given) and given["window"] is None:
        raise ConfigError(f"{'--format ' + form if form in ANNOTATIONS else '--timeline'}: needs a --window")
    if given["resume"] and (output is None or form not in _RESUMABLE or given["stream"]):
        raise ConfigError("--resume: needs an --output, and --format csv or jsonl of files")
    if form == "parquet":
        if output is None:
            raise ConfigError("--format parquet: needs an --output")
        check_parquet()
    if output is not None:
        if form == "table":
            raise ConfigError("--output: a table is for people; give a --format, too, such as csv")
        check_output(output, "--output")
