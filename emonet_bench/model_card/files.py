"""The files of a card: ``card.json``, ``card.md`` and ``card.html`` in one directory."""

from __future__ import annotations

from pathlib import Path

from emonet_bench.files import write_text
from emonet_bench.model_card.html import render_html
from emonet_bench.model_card.markdown import render_markdown
from emonet_bench.model_card.record import ModelCard

STEM = "card"
"""How the files of a card begin."""


def write_card(card: ModelCard, directory: Path, stem: str = STEM) -> list[Path]:
    """Write a card in its three forms.

    Args:
        card: The record.
        directory: Where; it exists.
        stem: How the files' names begin.

    Returns:
        The files.
    """
    forms = {
        ".json": card.model_dump_json(indent=2) + "\n",
        ".md": render_markdown(card),
        ".html": render_html(card),
    }
    for suffix, text in forms.items():
        write_text(directory / f"{stem}{suffix}", text)
    return [directory / f"{stem}{suffix}" for suffix in forms]
