"""A plugin-based benchmark harness for speech emotion recognition, with ONNX deployment."""

from importlib.metadata import version

import pluggy

__version__ = version("emonet-bench")

hookimpl = pluggy.HookimplMarker("emonet_bench")
"""Marks a function of a plugin as the implementation of the hook of the same name."""
