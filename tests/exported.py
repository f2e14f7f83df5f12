"""A small network with everything that an export must cope with, and the record of a run that might have trained it."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.config import Training
from emonet_bench.export import export, metadata_of
from emonet_bench.networks import MaskedBatchNorm, PerCorpus, build_classifier, install_per_corpus
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import SCHEMA_VERSION, RunSpec
from emonet_bench.types import AdapterPoint, InputSpec, TrainingSet

SIGNAL = InputSpec(16_000)
LABELS = ("anger", "joy", "sadness")
KERNEL, STEP, WIDTH = 400, 160, 6


class Unit(nn.Module):
    """A strided convolution, an adapter beside it, and a batch norm."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, WIDTH, KERNEL, STEP, bias=False)
        self.norm = MaskedBatchNorm(WIDTH)
        self.adapter = None

    def forward(self, inputs):
        hidden = self.conv(inputs)
        if self.adapter is not None:
            hidden = hidden + self.adapter(inputs)[..., : hidden.shape[-1]]
        return self.norm(hidden)

    def fold(self):
        scale = self.norm.weight * (self.norm.running_var + self.norm.eps).rsqrt()
        kernel = self.conv.weight.clone()
        if self.adapter is not None:
            kernel[:, :, :1] += self.adapter.weight
        folded = nn.Conv1d(1, WIDTH, KERNEL, STEP).to(kernel.dtype)
        folded.weight = nn.Parameter(kernel * scale[:, None, None])
        folded.bias = nn.Parameter(self.norm.bias - self.norm.running_mean * scale)
        return folded


class Listener(nn.Module):
    """A ``Unit``, a bidirectional GRU and the mean over valid frames."""

    dim = 8

    def __init__(self):
        super().__init__()
        self.unit = Unit()
        self.recurrent = nn.GRU(WIDTH, 4, batch_first=True, bidirectional=True)

    def adapter_points(self):
        return {
            "adapter": AdapterPoint("unit.adapter", "conv", 1, WIDTH, STEP),
            "norm": AdapterPoint("unit.norm", "norm", WIDTH, WIDTH),
        }

    def embed(self, waveform, lengths):
        waveform = F.pad(waveform * (torch.arange(waveform.shape[1]) < lengths[:, None]), (0, KERNEL))
        frames = 1 + torch.div((lengths - KERNEL).clamp_min(0), STEP, rounding_mode="trunc")
        hidden = self.unit(waveform[:, None]).relu().transpose(1, 2)  # (N, T, WIDTH)
        packed = nn.utils.rnn.pack_padded_sequence(hidden, frames.cpu(), batch_first=True, enforce_sorted=False)
        hidden, _ = nn.utils.rnn.pad_packed_sequence(self.recurrent(packed)[0], batch_first=True)
        valid = (torch.arange(hidden.shape[1]) < frames[:, None])[..., None]
        return (hidden * valid).sum(1) / frames[:, None]


def listener(corpora=(("ours", LABELS), ("theirs", ("calm", "cross"))), network=Listener, adapted=True):
    """A classifier with random parts everywhere, and adapters and norms for each corpus."""
    torch.manual_seed(0)
    built = network()
    names = [name for name, _ in corpora]
    if adapted:
        makes = {
            "conv": lambda point, _: nn.Conv1d(point.inputs, point.outputs, 1, point.stride, bias=False),
            "norm": lambda point, _: MaskedBatchNorm(point.outputs),
        }
        install_per_corpus(built, names, makes)
    made = build_classifier(built, [TrainingSet(name, labels, 0) for name, labels in corpora])
    for module in made.modules():
        if isinstance(module, MaskedBatchNorm):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.3, 2)
            nn.init.normal_(module.weight, mean=1, std=0.3)
            nn.init.normal_(module.bias, std=0.3)
    return made.eval()


def branches(module):
    return [part for part in module.modules() if isinstance(part, PerCorpus)]


def record(corpus="ours", protocol="by-speaker", training=None, **changes):
    spec = RunSpec(
        corpus=corpus,
        protocol=protocol,
        architecture="listener",
        architecture_options={},
        strategy="adapters",
        strategy_options={},
        training=Training(sampling_rate=16_000, window=3.0, **(training or {})),
        seed=3,
        fold=1,
    )
    told = {
        "schema_version": SCHEMA_VERSION,
        "run_id": "0123456789abcdef",
        "spec": spec,
        "scores": {
            part: {"uar": uar, "accuracy": 0.5, "recall": dict(zip(LABELS, (0.5, 1.0, None), strict=True))}
            for part, uar in (("dev", 0.6), ("test", 0.5))
        },
        "labels": list(LABELS),
        "protocol_id": "beef",
        "synthetic": False,
        "licence": "CC-BY-4.0",
        "partitions": {"train": {"clips": 30, "speakers": 3}, "test": {"clips": 12, "speakers": None}},
        "environment": {"python": "3.11", "torch": "2.11.0", "device": "cpu"},
        "plugins": {"transfer": "0.1.0"},
        "finished": "2026-01-02T03:04:05Z",
    }
    return RunRecord(**{**told, **changes})


def joint_record():
    """The record of a joint run of two corpora."""
    facts = {"labels": ["calm", "cross"], "protocol_id": "cafe", "licence": "CC0", "synthetic": True}
    scores = {"test": {"scores": {"uar": 0.7, "accuracy": 0.7}, "confusion": [[7, 3], [3, 7]]}}
    return record(
        corpus="ours+theirs",
        protocol="by-speaker+folds",
        corpora={"ours": facts, "theirs": facts},
        per_corpus={"ours": scores, "theirs": scores},
    )


def trace_listener(path, window=None, **changes):
    input_spec = replace(SIGNAL, window=window)
    export(listener(), "ours", path, input_spec, {**metadata_of(record(), input_spec), **changes})
    return path


def export_listener(path, window=None, **changes):
    """Write the file of ``trace_listener``, which is made once for all tests of a process."""
    path.write_bytes(_listener_file(window, tuple(changes.items())))
    return path


@cache
def _listener_file(window, changes):
    with TemporaryDirectory() as folder:
        return trace_listener(Path(folder) / "model.onnx", window, **dict(changes)).read_bytes()


def whole_cnn(input_spec=SIGNAL):
    """A cnn that hears whole clips."""
    torch.manual_seed(0)
    chosen = Plugins().architectures["cnn"]
    options = chosen.options(number_of_filters=4, number_of_resnet_blocks=1, classifier="statistics")
    return build_classifier(chosen.build(options, input_spec), [TrainingSet("ours", LABELS, 100)]).eval()


def export_cnn(path):
    export(whole_cnn(), "ours", path, SIGNAL, metadata_of(record(), SIGNAL))
    return path
