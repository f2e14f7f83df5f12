"""The OpenAPI document, served at ``/openapi.json``."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from emonet_bench import __version__


def document() -> dict[str, Any]:
    """Read the document; paths with a version are those without, for clients that always name one."""
    told: dict[str, Any] = json.loads(files(__package__).joinpath("openapi.json").read_text(encoding="utf-8"))
    told["info"]["version"] = __version__
    return told
