"""``emonet-bench show``: what an ONNX file says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import rich_click as click

from emonet_bench.deploy import Predictor


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
def show(model: Path) -> None:
    """Describe MODEL, a file that `emonet-bench export` wrote: inputs, outputs, labels and where it comes from."""
    from rich.console import Console  # noqa: PLC0415 - slow
    from rich.table import Table  # noqa: PLC0415

    predictor = Predictor(model, "cpu")
    table = Table(show_header=False, box=None, title=str(model), title_justify="left", title_style="bold")
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _rows(predictor):
        table.add_row(name, text)
    Console().print(table)


def _rows(predictor: Predictor) -> Iterator[tuple[str, str]]:
    session = predictor.model.session
    for kind, values in (("input", session.get_inputs()), ("output", session.get_outputs())):
        for value in values:
            yield kind, f"{value.name}: {value.type.removeprefix('tensor(').rstrip(')')} {value.shape}"
    for name, text in sorted(predictor.metadata.items()):
        yield name, _readable(text)


def _readable(text: str) -> str:
    if not text.startswith(("[", "{")):
        return text or "-"
    value = json.loads(text)
    parts = (f"{name} {part}" for name, part in value.items()) if isinstance(value, dict) else map(str, value)
    return ", ".join(parts)
