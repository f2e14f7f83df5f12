"""Emotion from speech with one file that ``emonet-bench export`` wrote.

>>> from emonet_predict import Predictor
>>> predictor = Predictor("model.onnx")  # doctest: +SKIP
>>> [prediction.label for prediction in predictor.predict(["clip.wav"])]  # doctest: +SKIP
['anger']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .deploy import Prediction, Predictor, Stream, VectorCheck, Verification, verify_model

    __version__: str

__all__ = ["Prediction", "Predictor", "Stream", "VectorCheck", "Verification", "verify_model"]


def __getattr__(name: str) -> Any:
    # Lazy, so that the command line shows its help without onnxruntime.
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - slow

        return version("emonet-predict")
    if name in __all__:
        from . import deploy  # noqa: PLC0415

        return getattr(deploy, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
