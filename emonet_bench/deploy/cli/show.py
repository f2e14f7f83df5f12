"""``emonet-predict show``: what an ONNX file says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from emonet_bench.console.paths import PathParam


@click.command()
@click.argument("model", type=PathParam())
def show(model: Path) -> None:
    """Describe MODEL, an ONNX file: inputs, outputs, labels, what it hears and where it comes from."""
    print_facts(model, facts_of_file(model))


def print_facts(title: object, facts: Iterable[tuple[str, str]]) -> None:
    """Print names with what they stand for."""
    from rich.table import Table  # noqa: PLC0415 - slow
    from rich.text import Text  # noqa: PLC0415

    from emonet_bench.console.terminal import Terminal  # noqa: PLC0415

    table = Table(show_header=False, box=None, title=Text(str(title)), title_justify="left", title_style="bold")
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in facts:
        table.add_row(Text(name), Text(text))
    Terminal().print(table)


def facts_of_file(path: Path) -> Iterator[tuple[str, str]]:
    """Yield what a file says of itself, in words.

    Raises:
        ConfigError: It is no ONNX file.
    """
    from emonet_bench.deploy.metadata import in_words, input_spec_of  # noqa: PLC0415 - numpy
    from emonet_bench.deploy.session import open_session  # noqa: PLC0415 - onnxruntime

    session = open_session(path, "cpu")
    for kind, values in (("input", session.get_inputs()), ("output", session.get_outputs())):
        for value in values:
            yield kind, f"{value.name}: {value.type.removeprefix('tensor(').rstrip(')')} {value.shape}"
    metadata = session.get_modelmeta().custom_metadata_map
    with suppress(KeyError, ValueError):  # of other writers
        yield "hears", in_words(input_spec_of(metadata))
    for name, text in sorted(metadata.items()):
        yield name, _said(text)


def _said(text: str) -> str:
    """Put a value of the metadata into words; text that is no JSON, though it starts like it, stands as it is."""
    try:
        return in_plain_words(json.loads(text)) if text.startswith(("[", "{")) else text or "-"
    except (ValueError, RecursionError):
        return text


def in_plain_words(value: Any) -> str:
    """Put a value of JSON into words.

    >>> in_plain_words({"recall": {"anger": 0.9}, "labels": ["anger", "joy"]})
    'recall (anger 0.9), labels (anger, joy)'
    """
    if isinstance(value, dict):
        return ", ".join(f"{name} {_part(part)}" for name, part in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(in_plain_words, value)) or "-"
    if isinstance(value, float):
        return f"{value:g}"
    return "-" if value is None else str(value)


def _part(value: Any) -> str:
    return f"({in_plain_words(value)})" if isinstance(value, dict | list) else in_plain_words(value)
