"""Checks of ``predict``'s options: what does not go together is refused before any work."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from emonet_bench.console.outputs import check_output
from emonet_bench.deploy.cli.annotation_files import SUFFIXES
from emonet_bench.deploy.cli.formats import ANNOTATIONS, check_parquet
from emonet_bench.deploy.cli.inputs import STDIN
from emonet_bench.errors import ConfigError

_RESUMABLE = frozenset({"csv", "jsonl"})


def is_timeline(form: str, given: Mapping[str, Any]) -> bool:
    """Tell whether segments are asked for, and not stretches."""
    asked = given["timeline"] or given["smooth"] or given["min_duration"] or given["gate"] is not None
    return bool(asked or form in ANNOTATIONS)


def needs_folder(form: str, files: Sequence[str], output: Path | None) -> bool:
    """Tell whether annotations of recordings, each in a file of its own, go into a folder."""
    several = len(files) > 1 or any(file == STDIN or os.path.isdir(file) for file in files)  # noqa: PTH112 - Path's may raise
    return form in SUFFIXES and (several or (output is not None and output.is_dir()))


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


def check_outputs(form: str, files: Sequence[str], given: Mapping[str, Any]) -> None:
    """Hold options to what is written, and where.

    Raises:
        ConfigError: An option needs another one, or a package.
        StoreError: The output's directory is missing.
    """
    output, folder = given["output"], needs_folder(form, files, given["output"])
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
        if folder and not output.is_dir() and output.suffix.lower() == SUFFIXES[form].lower():
            raise ConfigError(
                f"--output {output}: several recordings go into a folder; name it without {output.suffix}"
            )
        if output.exists() and output.is_dir() != folder:
            raise ConfigError(f"--output {output}: is {'no folder; name one' if folder else 'a folder; name a file'}")
    elif folder:
        raise ConfigError(f"--format {form}: holds a single file; name a folder for several with --output")
