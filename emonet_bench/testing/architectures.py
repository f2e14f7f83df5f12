"""The contract kit for architectures."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import safetensors.torch
import torch
from torch import Tensor

from emonet_bench import networks
from emonet_bench.config import Options, parse
from emonet_bench.deploy.metadata import target_text
from emonet_bench.errors import ConfigError
from emonet_bench.export import export
from emonet_bench.networks.outputs import activate
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.bench import CORPUS, Bench
from emonet_bench.testing.contracts import BrokenError, hold
from emonet_bench.testing.documentation import hold_documented, hold_flags, neighbours_of
from emonet_bench.testing.frozen_features import cached_features
from emonet_bench.testing.parts import batch_norms, idle_part, stir
from emonet_bench.testing.signals import LABELS, target_of
from emonet_bench.types import AdapterPoint, Architecture, InputSpec

EXACT = 1e-9
"""Largest difference in float64, which proves the algebra, as a part of a clip's largest output, or of 1."""
CLOSE = 1e-4
"""Largest difference in float32, likewise."""

_KINDS = get_args(get_type_hints(AdapterPoint)["kind"])


def check_architecture(
    architecture: str | Architecture,
    options: Mapping[str, Any] | Options | None = None,
    input_spec: InputSpec | None = None,
) -> None:
    """Hold an architecture to its contracts.

    Args:
        architecture: A registered name, or the descriptor itself.
        options: Its options; small ones make the kit quick. None: the defaults.
        input_spec: What it hears; None: 16 kHz, clips of any length. Give a window where the architecture needs one.

    Raises:
        AssertionError: It breaks one; the message says which, what was seen and where the contract is written.
    """
    if isinstance(architecture, str):
        architecture = Plugins().architectures[architecture]
    if not isinstance(options, Options):
        options = parse(architecture.options, options or {}, architecture.name)
    with torch.random.fork_rng(devices=[]):
        hold("architecture", architecture.name, CHECKS, Bench(architecture, options, input_spec or InputSpec()))


def options_documented(bench: Bench) -> None:
    """Options are an ``emonet_bench.config.Options``: each field says what it does, no flag is taken."""
    hold_documented(bench.architecture.options)
    hold_flags(bench.architecture.options, neighbours_of("architecture", bench.architecture.name))


def shapes(bench: Bench) -> None:
    """``embed`` gives finite (N, dim), a head finite (N, classes), for any batch size and length from one sample up."""
    for labels in (LABELS, LABELS[:2]):
        classifier = bench.classifier(labels=labels)
        for waveform, lengths in (*map(bench.hear, bench.batches()), bench.full()):
            where = f"for waveform {tuple(waveform.shape)} and lengths {None if lengths is None else lengths.tolist()}"
            heard, ends = waveform.float().clone(), None if lengths is None else lengths.clone()
            with torch.no_grad():
                embedding = classifier.network.embed(heard, ends)
                logits = classifier.heads(embedding)
            moved = ends is not None and lengths is not None and not torch.equal(ends, lengths)
            if moved or not torch.equal(heard, waveform.float()):
                raise BrokenError(f"embed wrote into the clips that it was given {where}")
            for name, tensor, width in (("embed", embedding, classifier.network.dim), ("logits", logits, len(labels))):
                if tensor.shape != (len(waveform), width):
                    raise BrokenError(f"{name} gave {tuple(tensor.shape)} {where}; expected {(len(waveform), width)}")
                if not tensor.isfinite().all():
                    raise BrokenError(f"{name} gave a number that is not finite {where}")


def seeds(bench: Bench) -> None:
    """The seed decides all that is random: the same one gives the same weights and training passes, another others."""
    first, same, other = bench.classifier(seed=5), bench.classifier(seed=5), bench.classifier(seed=6)
    for name, tensor in first.state_dict().items():
        if not torch.equal(tensor, same.state_dict()[name]):
            raise BrokenError(f"{name} differed between two networks of one seed; draw from torch's global generator")
    if _delta(_heard(first, bench), _heard(first, bench)):
        raise BrokenError("two evaluation passes of one network differed; be random in training only")
    if bench.architecture.fit is not None:
        return
    if all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in first.state_dict().items()):
        raise BrokenError("networks of two seeds had the same weights")
    passes = []
    for classifier in (first.train(), same.train()):
        torch.manual_seed(7)
        passes.append(_heard(classifier, bench))
    if _delta(*passes):
        raise BrokenError("two training passes of one seed differed; draw from torch's global generator")


def padding(bench: Bench) -> None:
    """A clip has the same outputs alone, beside longer clips and padded further (float64 1e-9, float32 1e-4).

    Of outputs beyond 1 a difference is taken as a part of the clip's largest: rounding grows with them.
    """
    _hold_padding(bench, bench.stirred().double(), EXACT)
    _hold_padding(bench, bench.classifier(), CLOSE)


def statistics(bench: Bench) -> None:
    """In training, padding enters neither the statistics of a batch norm nor an output."""
    if bench.architecture.fit is not None:
        return
    found = []
    for extra in (0, bench.input_spec.sampling_rate):
        classifier = bench.stirred().double()
        for module in batch_norms(classifier):
            module.train()
        outputs = _outputs(classifier, *bench.hear(bench.clips, padding=extra))
        found.append({"an output": outputs.detach(), **dict(classifier.named_buffers())})
    for name, tensor in found[0].items():
        delta = _relative(tensor, found[1][name])
        if not delta <= EXACT:
            raise BrokenError(f"{name} differed by {delta:.2g} after one more second of padding")


def gradients(bench: Bench) -> None:
    """Training reaches every trainable parameter: each has a gradient that is not all zero."""
    if bench.architecture.fit is not None:
        return
    classifier = bench.stirred().train()
    for module in batch_norms(classifier):
        module.eval()  # a bias before a batch norm in training has none, by nature
    for waveform, lengths in 2 * (bench.full(), bench.hear(bench.clips)):
        outputs = _outputs(classifier, waveform.float(), lengths)
        (outputs * torch.randn_like(outputs)).sum().backward()  # type: ignore[no-untyped-call]
        stir(classifier)  # a unit that no clip wakes now may wake then
    dead = [
        name
        for name, parameter in classifier.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
    ]
    if dead:
        raise BrokenError(f"{dead[0]} had no gradient ({len(dead)} such parameters)")


def ordered_layers(bench: Bench) -> None:
    """Where ``ordered_layers`` is there, it tells modules of the network, each parameter in one of them at most."""
    network: Any = bench.classifier().network
    layers = network.ordered_layers() if hasattr(network, "ordered_layers") else ()
    owner = dict[Tensor, int]()
    for number, layer in enumerate(layers):
        for parameter in layer.parameters():
            if owner.setdefault(parameter, number) != number:
                raise BrokenError(f"layers {owner[parameter]} and {number} of ordered_layers() share a parameter")
    if strangers := owner.keys() - set(network.parameters()):
        raise BrokenError(f"layer {owner[strangers.pop()]} of ordered_layers() holds what is no part of the network")


def round_trip(bench: Bench) -> None:
    """The ``state_dict`` holds all that is learnt: through safetensors into a fresh network, outputs stay the same."""
    classifier = bench.stirred()
    tensors = {name: tensor.contiguous() for name, tensor in classifier.state_dict().items()}
    fresh = bench.classifier(seed=2)
    fresh.load_state_dict(safetensors.torch.load(safetensors.torch.save(tensors)))
    delta = _delta(_heard(classifier, bench), _heard(fresh, bench))
    if delta:
        raise BrokenError(f"an output differed by {delta:.2g}; keep what is learnt in parameters and buffers")


def adapter_points(bench: Bench) -> None:
    """Adapter points exist, are of known kinds and the same with parts installed; idle parts do nothing, others act."""
    classifier = bench.stirred().double()
    network: Any = classifier.network
    points = network.adapter_points()
    for name, point in points.items():
        if point.kind not in _KINDS:
            raise BrokenError(f"point {name!r} is of the unknown kind {point.kind!r}; known: {', '.join(_KINDS)}")
        owner, attribute = networks.parent_and_attribute(network, point.path)
        present = getattr(owner, attribute)
        if (present is None) != (point.kind in ("conv", "sequence")):
            raise BrokenError(
                f"point {name!r}: {point.path} is {'empty' if present is None else 'taken'}, see AdapterPoint"
            )
    before = _heard(classifier, bench, torch.float64)
    installed = networks.install_per_corpus(network, [CORPUS], dict.fromkeys(_KINDS, idle_part))
    if dict(network.adapter_points()) != dict(points):
        raise BrokenError("adapter_points() changed when parts were installed; name sizes, not what stands at a point")
    after = _heard(classifier, bench, torch.float64)
    if not _relative(before, after) <= EXACT:
        raise BrokenError(f"parts that do nothing changed an output by {_delta(before, after):.2g}")
    for part, name in zip(installed, points, strict=True):
        stir(part)
        before, after = after, _heard(classifier, bench, torch.float64)
        if not _delta(before, after):
            raise BrokenError(f"a part at point {name!r} changed nothing: the network does not use it")
    _hold_padding(bench, classifier, EXACT)


def kinds(bench: Bench) -> None:
    """It predicts every kind of target that it takes: finite (N, K) for K names, one attribute alone, too.

    A network whose own heads are for labels only may refuse the others, as ``build_classifier`` does.
    """
    for kind in bench.kinds:
        for names in (LABELS, LABELS[:2], *((LABELS[:1],) if kind == "values" else ())):
            try:
                classifier = bench.classifier(labels=names, kind=kind)
            except ConfigError:
                return
            waveform, lengths = bench.hear(bench.clips)
            with torch.no_grad():
                predicted = activate(classifier(waveform.float(), lengths), target_of(kind, names))
            if predicted.shape != (len(waveform), len(names)) or not predicted.isfinite().all():
                raise BrokenError(f"{kind}: predictions of {len(names)} were {tuple(predicted.shape)}, or not finite")


def onnx_parity(bench: Bench) -> None:
    """The exported file has the network's logits in onnxruntime, at batch sizes and lengths that tracing never saw.

    Files of what is trained by gradients differ by kinds of targets in their outputs only: the first and the last kind
    are tried, and of what is fitted every one.
    """
    for kind in bench.kinds if bench.architecture.fit else dict.fromkeys((bench.kinds[0], bench.kinds[-1])):
        try:
            classifier = bench.classifier(kind=kind)
        except ConfigError:  # see ``kinds``
            continue
        told = {"labels": json.dumps(LABELS), "target": target_text(target_of(kind))} if kind != "label" else {}
        with tempfile.TemporaryDirectory() as directory:
            export(classifier, CORPUS, Path(directory) / "model.onnx", bench.input_spec, told)


CHECKS = (
    options_documented,
    shapes,
    seeds,
    padding,
    statistics,
    gradients,
    ordered_layers,
    round_trip,
    adapter_points,
    cached_features,
    kinds,
    onnx_parity,
)
"""In the order in which they help most; each one's docstring is the contract."""


@torch.no_grad()
def _hold_padding(bench: Bench, classifier: networks.Classifier, tolerance: float) -> None:
    dtype = torch.float64 if tolerance == EXACT else torch.float32
    for lengths in bench.batches():
        results = {}
        for name, extra in (("in a batch", 0), ("with more padding", bench.input_spec.sampling_rate // 3)):
            waveform, valid = bench.hear(lengths, padding=extra)
            results[name] = _outputs(classifier, waveform.to(dtype), valid)
        rows = [bench.hear([length]) for length in lengths]
        alone = torch.cat([_outputs(classifier, waveform.to(dtype), valid) for waveform, valid in rows])
        for name, outputs in results.items():
            if not _relative(alone, outputs) <= tolerance:
                raise BrokenError(
                    f"an output {name} differed by {_relative(alone, outputs):.2g} from the clip's alone "
                    f"({dtype}, clips of {lengths} samples)"
                )


def _outputs(classifier: networks.Classifier, waveform: Tensor, lengths: Tensor | None) -> Tensor:
    """Return embeddings and logits side by side: a head may sleep through a change of its embedding."""
    embedding = classifier.network.embed(waveform, lengths)
    return torch.cat([embedding, classifier.heads(embedding)], 1)


@torch.no_grad()
def _heard(classifier: networks.Classifier, bench: Bench, dtype: torch.dtype = torch.float32) -> Tensor:
    waveform, lengths = bench.hear(bench.clips)
    return _outputs(classifier, waveform.to(dtype), lengths)


def _delta(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).abs().max())


def _relative(one: Tensor, other: Tensor) -> float:
    """Return the largest difference, as a part of the largest number of its row in one, or of 1."""
    scale = one.double().abs().amax(-1, keepdim=True).clamp(min=1)
    return _delta(one / scale, other / scale)
