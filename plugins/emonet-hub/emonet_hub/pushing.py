"""Pushing an exported model: verified first, with a card, and only where the terms of its corpus permit it."""

from __future__ import annotations

import json
from pathlib import Path

from huggingface_hub import CommitOperationAdd

from emonet_bench.errors import ConfigError
from emonet_hub.client import client, reached
from emonet_hub.package import Package, read_package, read_text

_FRONT_MATTER = """---
library_name: "onnx"
pipeline_tag: "audio-classification"
tags: ["speech-emotion-recognition", "onnx", "emonet-bench"]
---
"""
"""For the card that ``export`` writes, in the form that ``emonet-bench card`` gives its own."""


def push(
    model: Path, repo: str, *, card: Path | None, private: bool, revision: str | None, restricted: bool
) -> tuple[str, str]:
    """Push an exported model.

    Args:
        model: The ``.onnx`` file.
        repo: Where, ``OWNER/NAME``; created where it is not there.
        card: The directory that ``emonet-bench card`` wrote; None: the card beside the model.
        private: Whether a new repository is private.
        revision: A branch; None: main.
        restricted: Whether the terms of the corpus may restrict its use.

    Returns:
        The commit, and the model's SHA-256.

    Raises:
        ConfigError: The model is not sound, its card is another one's, its terms restrict its use, or the hub refuses.
    """
    package = read_package(model)
    if not (restricted or package.publishable):
        raise ConfigError(
            f"{model}: trained on {package.corpus!r}, whose licence is {package.licence or 'unknown'!r}; where you may "
            "publish a model trained on it, say --allow-restricted"
        )
    files = [
        CommitOperationAdd(model.name, str(model)),
        CommitOperationAdd(model.with_suffix(".json").name, str(model.with_suffix(".json"))),
        CommitOperationAdd("README.md", _card(package, card).encode()),
    ]
    with reached(repo):
        api = client()
        api.create_repo(repo, private=private or None, exist_ok=True)
        message = f"{model.name}, SHA-256 {package.sha256}"
        return str(api.create_commit(repo, files, commit_message=message, revision=revision).oid), package.sha256


def _card(package: Package, card: Path | None) -> str:
    """Return a card with front matter, of this very model."""
    if card is None:
        return _FRONT_MATTER + read_text(package.model.with_suffix(".md"))
    try:
        measured = json.loads(read_text(card / "card.json")).get("sha256")
    except (ValueError, AttributeError):
        measured = None
    if measured != package.sha256:
        raise ConfigError(f"--card {card}: was measured on another file; 'emonet-bench card {package.model} -o {card}'")
    return read_text(card / "card.md")
