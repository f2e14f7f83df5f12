"""Emotion from speech with one exported file. Needs numpy, onnxruntime, soundfile and soxr, and nothing else.

>>> from emonet_bench.deploy import Predictor
>>> predictor = Predictor("model.onnx")  # doctest: +SKIP
>>> [prediction.label for prediction in predictor.predict(["clip.wav"])]  # doctest: +SKIP
['anger']
"""

from emonet_bench.deploy.prediction import Prediction
from emonet_bench.deploy.predictor import Predictor
from emonet_bench.deploy.stream import Stream
from emonet_bench.deploy.verification import VectorCheck, Verification, verify_model

__all__ = ["Prediction", "Predictor", "Stream", "VectorCheck", "Verification", "verify_model"]
