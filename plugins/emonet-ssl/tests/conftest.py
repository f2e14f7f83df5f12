from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for checkpoints.py

from checkpoints import write

from emonet_bench.config import parse
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.types import InputSpec

SIGNAL = InputSpec()

pytest_plugins = ["emonet_bench.testing"]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Write a tiny checkpoint, or return the one that was written before with the same settings."""
    written = {}

    def of(family, **settings):
        key = repr((family, sorted(settings.items())))
        if key not in written:
            written[key] = write(tmp_path_factory.mktemp(family), family, **settings)
        return str(written[key])

    return of


@pytest.fixture(scope="session")
def plugins():
    return Plugins(Selection(names=("ssl",), strict=True))


@pytest.fixture
def built(plugins, checkpoint):
    """Build a network with the weights of a tiny checkpoint."""

    def of(architecture, changes=None, input_spec=SIGNAL, **options):
        family = architecture.removesuffix("-probe")
        options = {"checkpoint": checkpoint(family, **(changes or {})), **options}
        chosen = plugins.architectures[architecture]
        return chosen.build(parse(chosen.options, options, f"options.{architecture}"), input_spec)

    return of


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """Let nothing be asked of the hub, and its cache be empty."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
