"""Emotion from speech with one exported file. Needs numpy, onnxruntime, soundfile and soxr, and nothing else.

>>> from emonet_bench.deploy import Predictor
>>> predictor = Predictor("model.onnx")  # doctest: +SKIP
>>> [prediction.label for prediction in predictor.predict(["clip.wav"])]  # doctest: +SKIP
['anger']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emonet_bench.deploy.prediction import Prediction
    from emonet_bench.deploy.predictor import Predictor
    from emonet_bench.deploy.stream import Stream
    from emonet_bench.deploy.verification import VectorCheck, Verification, verify_model

__all__ = ["Prediction", "Predictor", "Stream", "VectorCheck", "Verification", "verify_model"]

_MODULES = dict.fromkeys(("VectorCheck", "Verification", "verify_model"), "verification")


def __getattr__(name: str) -> Any:
    # Lazy, so that the command line shows its help without onnxruntime.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, name.lower())}"), name)
