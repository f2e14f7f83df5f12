"""The page: one file with a microphone, a timeline and what the model is; for the server, or without any."""

from __future__ import annotations

import json
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emonet_bench.deploy.serving.service import Service

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of the served page: nothing from elsewhere, and nothing to elsewhere."""


def served_page(service: Service) -> str:
    """Write the page that asks this server.

    What the models are is asked by the page itself, with the key where one is needed.
    """
    limits = service.limits
    told = {"keyed": bool(service.settings.keys), "seconds": limits.audio_seconds, "bytes": limits.body_bytes}
    return render(told, script(read("remote.js")))


def render(told: dict[str, Any], scripts: str, policy: str = "") -> str:
    """Fill the template.

    Args:
        told: What the page is to know, as JSON.
        scripts: HTML: what stands behind ``engine``, which hears audio for the page.
        policy: HTML: a Content-Security-Policy, where no server sends one.
    """
    own = read("page.js") + read("picture.js")
    return Template(read("page.html")).substitute(
        policy=policy, style=read("page.css"), told=_quoted(told), engine=scripts, script=own
    )


def read(name: str) -> str:
    """Read one of the page's files."""
    return files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


def script(text: str) -> str:
    """Put a script into an element."""
    return f"<script>\n{text}</script>"


def _quoted(value: Any) -> str:
    """Write JSON that no text in it can leave the script element through."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")
