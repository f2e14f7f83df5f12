"""A plugin-based benchmark harness for speech emotion recognition, with ONNX deployment."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pluggy

    hookimpl: pluggy.HookimplMarker
    """Marks a function of a plugin as the implementation of the hook of the same name."""

__version__ = version("emonet-bench")


def __getattr__(name: str) -> Any:
    # Lazy, so that ``emonet_bench.deploy`` works where pluggy is not installed.
    if name != "hookimpl":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pluggy  # noqa: PLC0415

    globals()[name] = marker = pluggy.HookimplMarker("emonet_bench")
    return marker
