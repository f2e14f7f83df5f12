"""onnxruntime, imported at this one place: its telemetry is off unless asked for.

Its wheels for Windows and macOS report usage to Microsoft. ``ORT_DISABLE_TELEMETRY=0`` in the environment lets them.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime reads it once, when it is imported

import onnxruntime

__all__ = ["onnxruntime"]
