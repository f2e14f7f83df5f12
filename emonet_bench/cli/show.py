"""``emonet-bench show``: what an ONNX file or a run says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rich_click as click

from emonet_bench.deploy.model import open_session

_OF_A_RUN = ("run_id", "corpus", "protocol", "architecture", "strategy", "seed", "fold", "source", "training")


@click.command()
@click.argument("what", metavar="MODEL|RUN", type=click.Path(path_type=Path))
def show(what: Path) -> None:
    """Describe an ONNX file (inputs, outputs, labels and where it comes from), or the run in a directory."""
    from rich.table import Table  # noqa: PLC0415 - slow
    from rich.text import Text  # noqa: PLC0415

    from emonet_bench.cli.terminal import Terminal  # noqa: PLC0415

    table = Table(show_header=False, box=None, title=Text(str(what)), title_justify="left", title_style="bold")
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _run(what) if what.is_dir() else _file(what):
        table.add_row(Text(name), Text(text))
    Terminal().print(table)


def _file(path: Path) -> Iterator[tuple[str, str]]:
    session = open_session(path, "cpu")
    for kind, values in (("input", session.get_inputs()), ("output", session.get_outputs())):
        for value in values:
            yield kind, f"{value.name}: {value.type.removeprefix('tensor(').rstrip(')')} {value.shape}"
    for name, text in sorted(session.get_modelmeta().custom_metadata_map.items()):
        yield name, _said(text)


def _run(directory: Path) -> Iterator[tuple[str, str]]:
    from emonet_bench.runs.files import RunFiles  # noqa: PLC0415 - a file needs no more than deploy

    record = RunFiles(directory).read_record()
    facts = {**record.plain(), **record.spec.model_dump(mode="json")}
    known = [*(name for name in _OF_A_RUN if name in facts), *(name for name in facts if name not in _OF_A_RUN)]
    for name in known:
        if name == "error" and record.error is not None:
            yield name, f"{record.error.type}: {record.error.message}"
        elif name not in {"spec", "confusion", "per_corpus"}:
            yield name, _words(facts[name])
    yield "directory", ", ".join(sorted(path.name for path in directory.iterdir()))


def _said(text: str) -> str:
    """Put a value of the metadata into words; text that is no JSON, though it starts like it, stands as it is."""
    try:
        return _words(json.loads(text)) if text.startswith(("[", "{")) else text or "-"
    except (ValueError, RecursionError):
        return text


def _words(value: Any) -> str:
    """Put a value of JSON into words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_part(part)}" for name, part in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "-"
    return "-" if value is None else str(value)


def _part(value: Any) -> str:
    return f"({_words(value)})" if isinstance(value, dict | list) else _words(value)
