"""The description of a feature store: what its features are of, who has asked for them, and when last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from emonet_bench.errors import StoreError
from emonet_bench.files import read_bytes, write_text

ABOUT = "about.json"
"""Beside the blocks: what the features are of."""

USED = "used"
"""An empty file whose modification time says when the features were last read."""

_MOST = 2**20  # bytes of a description


class About(NamedTuple):
    """What a store says of itself.

    Attributes:
        users: Architectures and the corpora that they have asked for, sorted.
        precision: ``float32`` or ``float16``; empty where nothing readable says so.
    """

    users: tuple[str, ...]
    precision: str


def read_about(directory: Path) -> About:
    """Read a store's description; where it is damaged or none of ours, what can be read of it."""
    try:
        found = json.loads(read_bytes(directory / ABOUT, _MOST))
    except (OSError, StoreError, ValueError, RecursionError):
        found = None
    about = found if isinstance(found, dict) else {}
    users, precision = about.get("users"), about.get("precision")
    told = users if isinstance(users, list) else []
    return About(
        tuple(sorted({user for user in told if isinstance(user, str)})), precision if isinstance(precision, str) else ""
    )


def note_use(directory: Path, key: Mapping[str, object], user: str) -> None:
    """Write down what a store's features are of and who reads them, and that it is now."""
    file = directory / ABOUT
    (directory / USED).touch()
    with FileLock(file.with_suffix(".lock")):
        users = set(read_about(directory).users)
        if user not in users:
            write_text(file, json.dumps({**key, "users": sorted(users | {user})}))
