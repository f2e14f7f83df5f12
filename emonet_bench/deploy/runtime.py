"""onnxruntime, imported at this one place: its telemetry is off unless asked for.

Its wheels for Windows and macOS report usage to Microsoft. ``ORT_DISABLE_TELEMETRY=0`` in the environment lets them.
"""

from __future__ import annotations

import os

from emonet_bench.errors import ConfigError

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime reads it once, when it is imported

try:
    import onnxruntime
except ModuleNotFoundError as error:
    if error.name != "onnxruntime":
        raise
    raise ConfigError(
        "onnxruntime: is not installed; pip install onnxruntime, or onnxruntime-gpu for CUDA, never both"
    ) from error

__all__ = ["onnxruntime"]
