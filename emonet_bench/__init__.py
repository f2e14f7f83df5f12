"""A plugin-based benchmark harness for speech emotion recognition, with ONNX deployment.

>>> from emonet_bench import Predictor, hookimpl, load_results, run_matrix
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pluggy

    from emonet_bench.deploy import Predictor
    from emonet_bench.library import load_results, run_matrix, score_predictions

    hookimpl: pluggy.HookimplMarker
    """Marks a function of a plugin as the implementation of the hook of the same name."""

    __version__: str

__all__ = ["Predictor", "hookimpl", "load_results", "run_matrix", "score_predictions"]

_LAZY = {
    "Predictor": "emonet_bench.deploy",
    "load_results": "emonet_bench.library",
    "run_matrix": "emonet_bench.library",
    "score_predictions": "emonet_bench.library",
}


def __getattr__(name: str) -> Any:
    # Lazy, so that importing the package is quick, and deployment works where pluggy and torch are not installed.
    if name == "hookimpl":
        import pluggy  # noqa: PLC0415

        found: Any = pluggy.HookimplMarker("emonet_bench")
    elif name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - slow

        found = version("emonet-bench")
    elif name in _LAZY:
        found = getattr(import_module(_LAZY[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
