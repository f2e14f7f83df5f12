"""Tiny exported files whose behaviour is known by construction, and a corpus of tones for them."""

import json

import numpy as np
import onnx
import soundfile
from onnx import TensorProto, helper

from emonet_bench.data.opened_corpus import open_corpus
from emonet_bench.deploy import Predictor
from emonet_bench.deploy.metadata import heard
from emonet_bench.model_card.clips import CardClips
from emonet_bench.types import Corpus, InputSpec, SplitRule, Utterance

RATE = 8_000
LABELS = ("calm", "angry")
SPEAKERS = {"train": ("a", "b"), "dev": ("c", "d"), "test": ("e", "f", "g", "h")}


def write_model(path, feature, threshold, steepness=50.0, labels=LABELS, **metadata):
    """Write a file that says "angry" where a feature of the clip exceeds a threshold.

    Args:
        path: Where.
        feature: ``sign`` (the mean sign of the samples, which no gain changes), ``level`` (the mean magnitude).
        threshold: Of the feature.
        steepness: Of the logits.
        labels: Two.
        metadata: More than what every file says.
    """
    first = "Sign" if feature == "sign" else "Abs"
    nodes = [
        helper.make_node(first, ["waveform"], ["marks"]),
        helper.make_node("ReduceSum", ["marks", "axis"], ["total"], keepdims=1),
        helper.make_node("Cast", ["lengths"], ["counts"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["counts", "axis"], ["column"]),
        helper.make_node("Div", ["total", "column"], ["feature"]),  # (N, 1)
        helper.make_node("Sub", ["feature", "threshold"], ["distance"]),
        helper.make_node("Mul", ["distance", "steepness"], ["logits"]),  # (N, 2)
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    constants = [
        helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
        helper.make_tensor("threshold", TensorProto.FLOAT, [1], [threshold]),
        helper.make_tensor("steepness", TensorProto.FLOAT, [1, 2], [-steepness, steepness]),
    ]
    inputs = [
        helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["batch", "samples"]),
        helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]),
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 2]) for name in ("probabilities", "logits")
    ]
    graph = helper.make_graph(nodes, "oracle", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    told = {"schema_version": "1", "labels": json.dumps(labels), **heard(InputSpec(RATE)), "corpus": "tones"}
    helper.set_model_props(model, {**told, "protocol": "speakers", **metadata})
    onnx.save(model, path)
    return path


def pulses(share, level, seconds=1.2, seed=0):
    """A train of pulses that is positive for a share of the time, without silence, at a level."""
    generator = np.random.default_rng(seed)
    phase = np.cumsum(np.full(round(seconds * RATE), generator.uniform(90, 140) / RATE)) % 1
    return (np.where(phase < share, 1.0, -1.0) * level * generator.uniform(0.9, 1.0)).astype(np.float32)


def tones(folder, clip_of=None, count=8, **facts):
    """Write clips of eight speakers, half of each "angry"; return their corpus.

    Args:
        folder: Where.
        clip_of: ``clip_of(speaker, label, number)`` makes one; None: pulses that are positive for 30 or 70 % of the time.
        count: Clips of each speaker and label.
        facts: More of the corpus.
    """
    make = clip_of or (lambda speaker, label, number: pulses(0.7 if label == "angry" else 0.3, 0.2, seed=number))
    utterances = []
    for speaker in sum(SPEAKERS.values(), ()):
        for label in LABELS:
            for number in range(count):
                file = folder / f"{speaker}-{label}-{number}.wav"
                soundfile.write(file, make(speaker, label, number), RATE, subtype="PCM_16")
                utterances.append(Utterance(file.stem, file, label, speaker, text=f"t{number % 2}"))
    rule = SplitRule(fixed=SPEAKERS)
    return Corpus("tones", LABELS, lambda: utterances, {"speakers": rule}, languages=("en",), **facts)


def clips_of(corpus, cache, partition="test"):
    opened = open_corpus(corpus, None, RATE, cache)
    return CardClips.of(opened, opened.divide(None)[partition])


def predictor(path):
    return Predictor(path, "cpu", threads=1)
