"""The strategies: what is taken from the source, what is new, what is trained and with which weight decay."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from emonet_bench.data.dataset import Batch
from emonet_bench.errors import Skipped
from emonet_bench.networks import Classifier, PerCorpus, build_classifier, install_per_corpus, parameter_groups
from emonet_bench.types import AdapterPoint, ParameterGroup, Plan, Teacher, TrainingSet
from emonet_transfer.distillation import embedding_loss, joint_targets, soft_label_loss
from emonet_transfer.options import AdapterOptions, DistillOptions, MultiTaskOptions
from emonet_transfer.parts import ConvAdapter, SequenceAdapter
from emonet_transfer.sources import adapter_slots, initialisations, load_functions, load_shared


def scratch(network: Any, corpora: Sequence[TrainingSet], source: Any, options: Any) -> Plan:  # noqa: ARG001 - the contract
    """Train everything from random weights."""
    return _all_trainable(build_classifier(network, corpora))


def finetune(network: Any, corpora: Sequence[TrainingSet], source: Any, options: Any) -> Plan:  # noqa: ARG001
    """Start from the source's network, with a new head, and train everything.

    A source with adapters is as many networks as it has corpora: it starts from the one that is best on dev, its
    adapters made part of the convolutions beside them.
    """
    functions = load_functions(network, source)
    whole = build_classifier(network, corpora)
    return Plan(whole, _groups(whole), initialisations=functions)


def last_layer(network: Any, corpora: Sequence[TrainingSet], source: Any, options: Any) -> Plan:  # noqa: ARG001
    """Freeze the source's network, chosen as in ``finetune``, and train a new head."""
    functions = load_functions(network, source)
    whole = build_classifier(network, corpora)
    network.requires_grad_(requires_grad=False)
    return Plan(whole, _groups(whole.heads), initialisations=functions)


def adapters(network: Any, corpora: Sequence[TrainingSet], source: Any, options: AdapterOptions) -> Plan:
    """Freeze the source's shared layers; train adapters, batch norms, pooling and head of each corpus.

    From a plain source it starts as the source's function. A source with a set of such parts for each of its corpora is
    as many functions: it starts with adapters at zero, batch norms and pooling the mean of the sets, or with the set of
    one of the corpora, whichever is best on dev.

    Raises:
        Skipped: The architecture has no place for adapters.
    """
    load_shared(network, source)
    network.requires_grad_(requires_grad=False)
    parts = _install(network, corpora, options)
    whole = build_classifier(network, corpora)
    for part in parts:
        part.requires_grad_()
    adapter_groups = [group for set_ in corpora for group in _adapter_groups(parts, set_, options)]
    others = [module for part in parts for module in part.parts.values() if not _is_adapter(module)]
    groups = [*adapter_groups, *_groups(nn.ModuleList(others)), *_groups(whole.heads)]
    return Plan(whole, groups, initialisations=initialisations(whole, source))


def multi_task(network: Any, corpora: Sequence[TrainingSet], source: Any, options: MultiTaskOptions) -> Plan:  # noqa: ARG001
    """Train one shared network on several corpora at once, each with its own head and, unless unwanted, adapters."""
    parts = _install(network, corpora, options) if options.adapters and adapter_slots(network) else []
    notes = {"adapters": "none: the architecture has no adapter points"} if options.adapters and not parts else {}
    whole = build_classifier(network, corpora)
    decayed = corpora if options.individual_weight_decay else ()  # otherwise adapters decay as everything does
    adapter_groups = [group for set_ in decayed for group in _adapter_groups(parts, set_, options)]
    grouped = {parameter for group in adapter_groups for parameter in group.parameters}
    others = parameter_groups(p for p in whole.parameters() if p.requires_grad and p not in grouped)
    return Plan(whole, [*adapter_groups, *others], notes)


def distill(network: Any, corpora: Sequence[TrainingSet], source: Teacher | None, options: DistillOptions) -> Plan:
    """Train everything from random weights, by the labels and by what a teacher makes of the same clips.

    A teacher hears each clip once, as it is scored itself: as a whole, where its recipe says nothing else. A student
    that hears crops in training learns from each of them what the teacher says of the whole clip. Of several corpora,
    labelled or not, one linear map tells the embeddings, see ``joint_targets``.
    """
    whole = build_classifier(network, corpora)
    projection = None if options.what == "logits" else nn.Linear(network.dim, options.components)
    if projection is not None:  # only training needs it: an exported network is without
        whole.add_module("projection", projection)
    if source is None:  # the structure alone is wanted
        return _all_trainable(whole)
    outputs = source.outputs
    targets = joint_targets({name: given.embeddings for name, given in outputs.items()}, options.components)

    def penalty(batch: Batch, embedding: Tensor, logits: Tensor) -> Tensor:
        loss = torch.zeros((), device=logits.device)
        if options.what != "embeddings":
            taught = outputs[batch.corpus].logits
            assert taught is not None  # the options hold a teacher of labels to have been trained
            loss = loss + soft_label_loss(logits, taught[batch.index], options.temperature)
        if projection is not None:
            loss = loss + embedding_loss(projection(embedding), targets[batch.corpus][batch.index])
        return options.weight * loss

    return Plan(whole, _groups(whole), penalty=penalty)


def _install(network: Any, corpora: Sequence[TrainingSet], options: AdapterOptions) -> list[PerCorpus]:
    if not adapter_slots(network):
        raise Skipped("the architecture has no adapter points")

    def conv(point: AdapterPoint, _: None) -> nn.Module:
        return ConvAdapter(point.inputs, point.outputs, point.stride, options.rank)

    def sequence(point: AdapterPoint, _: None) -> nn.Module:
        return SequenceAdapter(point.inputs, options.reduction)

    def own_copy(_: AdapterPoint, present: nn.Module) -> nn.Module:
        return copy.deepcopy(present)

    make: dict[str, Callable[..., nn.Module]] = {
        "conv": conv,
        "sequence": sequence,
        "norm": own_copy,
    }
    if not options.share_feature_layer:
        make["pooling"] = own_copy
    return install_per_corpus(network, [set_.corpus for set_ in corpora], make)


def _is_adapter(module: nn.Module) -> bool:
    return isinstance(module, ConvAdapter | SequenceAdapter)


def _adapter_groups(parts: Iterable[PerCorpus], set_: TrainingSet, options: AdapterOptions) -> list[ParameterGroup]:
    mine = nn.ModuleList(part.of(set_.corpus) for part in parts if _is_adapter(part.of(set_.corpus)))
    return _groups(mine, adapter_weight_decay(set_.clips) if options.individual_weight_decay else None)


def adapter_weight_decay(clips: int) -> float:
    """Choose the adapters' weight decay by the number of training clips, as EmoNet does.

    Twice its numbers: Keras' L2 of 5e-3 adds 5e-3 w^2 to the loss, whose gradient is 1e-2 w.

    >>> [adapter_weight_decay(clips) for clips in (499, 999, 9_999, 10_000)]
    [0.01, 0.004, 0.001, 2e-06]
    """
    for most, decay in ((500, 1e-2), (1_000, 4e-3), (10_000, 1e-3)):
        if clips < most:
            return decay
    return 2e-6


def _all_trainable(whole: Classifier) -> Plan:
    return Plan(whole, _groups(whole))


def _groups(module: nn.Module, weight_decay: float | None = None) -> list[ParameterGroup]:
    return parameter_groups((p for p in module.parameters() if p.requires_grad), weight_decay)
