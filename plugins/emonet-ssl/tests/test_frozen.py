"""Frozen features: what is computed once for each clip makes the same embedding, and is known by what made it."""

from __future__ import annotations

import pytest
import torch
from checkpoints import FAMILIES
from emonet_ssl.features import PIECE
from emonet_ssl.network import SslNetwork
from test_backbones import clips, padded

from emonet_bench.config import parse
from emonet_bench.types import TrainingSet

CORPORA = [TrainingSet("toys", ("calm", "tense"), 4)]
ROWS = [("mix", "mean", (3, 16)), ("mix", "statistics", (3, 32)), (1, "mean", (16,)), (1, "statistics", (32,))]


@torch.no_grad()
def held(network, *, kept=torch.float32):
    """Compare embeddings with those of features that were cut to their lengths, kept and padded again; return these."""
    network.eval()
    waves = clips()
    single = [network.frozen(*padded([wave])) for wave in waves]
    if single[0].lengths is None:
        features = type(single[0])(torch.cat([one.values for one in single]), None)
    else:
        lengths = torch.cat([one.lengths for one in single])
        rows = [one.values[0, : int(one.lengths)] for one in single]
        values = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=9.0)
        features = type(single[0])(values, lengths)
    direct = network.embed(*padded(waves))
    again = network.embed_frozen(features._replace(values=features.values.to(kept).float()))
    torch.testing.assert_close(again, direct, rtol=0, atol=1e-5 if kept == torch.float32 else 2e-3)
    return features


@pytest.mark.parametrize(("layer", "pooling", "shape"), ROWS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_frozen_backbone_gives_one_small_row(family, layer, pooling, shape, built):
    features = held(built(family, layer=layer, pooling=pooling))
    assert features.lengths is None
    assert features.values.shape == (2, *shape)


@pytest.mark.parametrize("layer", ["mix", 1])
@pytest.mark.parametrize("family", ["wavlm", "whisper"])
def test_a_learnt_query_is_given_the_clips_own_frames(family, layer, built):
    network = built(family, layer=layer, pooling="attention", normalise="utterance")
    torch.nn.init.normal_(network.attention.query)
    features = held(network)
    assert features.lengths.tolist() == network.backbone.enter(*padded(clips())).own.sum(1).tolist()
    assert features.values.shape[2] == (3 if layer == "mix" else 1) * 16 + 1


@pytest.mark.parametrize("pooling", ["statistics", "attention"])
@pytest.mark.parametrize("layer", ["mix", 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_trained_upper_layers_are_given_the_sequence_below_them(family, layer, pooling, built):
    network = built(family, layer=layer, pooling=pooling, finetune="transformer", upper=1)
    assert network.split == 1
    assert network.frozen_id() is not None
    features = held(network)
    assert features.values.shape[2] == (2 if layer == "mix" else 1) * 16 + 1
    held(network, kept=torch.float16)


@pytest.mark.parametrize(("context", "frames"), [("clip", [79, 100]), (1.5, [75, 75]), ("full", [100, 100])])
def test_whispers_layers_are_given_the_silence_that_they_look_at(context, frames, built):
    network = built("whisper", layer=2, context=context, finetune="transformer", upper=2)
    assert network.split == 0
    assert held(network).lengths.tolist() == frames


@pytest.mark.parametrize(
    ("strategy", "upper", "split"), [("lora", 1, 1), ("bottleneck", 1, 1), ("bottleneck", None, 0)]
)
@pytest.mark.parametrize("family", ["whisper", "wavlm"])
def test_a_strategy_moves_the_split(strategy, upper, split, family, built, plugins):
    chosen = plugins.strategies[strategy]
    network = built(family, layer=2)
    chosen.prepare(network, CORPORA, None, parse(chosen.options, {"upper_layers": upper}, strategy))
    assert network.split == split
    assert network.frozen_id() is not None
    for parameter in network.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3)
    held(network)


@pytest.mark.parametrize(("family", "finetune"), [("hubert", "transformer"), ("hubert", "all"), ("whisper", "all")])
def test_features_of_what_trains_are_not_frozen(family, finetune, built):
    network = built(family, finetune=finetune)
    assert network.frozen_id() is None
    held(network)


def test_the_frozen_part_is_not_random_in_training(built):
    network = built("hubert", finetune="transformer", upper=1).train()
    assert torch.equal(network.frozen(*padded(clips())).values, network.frozen(*padded(clips())).values)
    assert not torch.equal(network.embed(*padded(clips())), network.embed(*padded(clips())))
    whisper = built("whisper", layer=1, finetune="transformer").train()
    assert torch.equal(whisper.frozen(*padded(clips())).values, whisper.frozen(*padded(clips())).values)


def test_the_identity_tells_apart_what_makes_other_features(built, checkpoint):
    plain = built("whisper", layer=1)
    found = {
        "plain": plain.frozen_id(),
        "layer": built("whisper", layer=2).frozen_id(),
        "mix": built("whisper").frozen_id(),
        "pooling": built("whisper", layer=1, pooling="statistics").frozen_id(),
        "query": built("whisper", layer=1, pooling="attention").frozen_id(),
        "window": built("whisper", layer=1, context=1.0).frozen_id(),
        "split": built("whisper", layer=1, finetune="transformer").frozen_id(),
        "weights": built("whisper", {"seed": 1}, layer=1).frozen_id(),
    }
    plain.backbone.layers[0].layer.fc1.weight.data[0, 0] += 1e-3
    found["a weight"] = plain.frozen_id()
    assert None not in found.values()
    assert len(set(found.values())) == len(found)


def test_the_identity_is_blind_to_what_comes_after(built):
    plain = built("whisper", layer=1)
    assert plain.double().frozen_id() == built("whisper", layer=1).frozen_id()
    other = built("whisper", layer=1, head="mlp", normalise="utterance")
    other.mean.fill_(3.0)
    assert other.frozen_id() == plain.frozen_id()
    mixed = built("whisper")
    torch.nn.init.normal_(mixed.layer_weights)
    assert mixed.frozen_id() == built("whisper").frozen_id()


def test_parts_of_single_corpora_are_not_shared(built, plugins):
    network: SslNetwork = built("whisper", layer=2)
    chosen = plugins.strategies["bottleneck"]
    chosen.prepare(network, CORPORA, None, chosen.options())
    network.backbone.layers[0].requires_grad_(requires_grad=False)
    assert network.split == 1
    assert network.frozen_id() is None


def test_mean_and_scale_standardise_the_embedding(built):
    network = built("hubert", layer=1).eval()
    plain = network.embed(*padded(clips()))
    network.mean.fill_(2.0)
    network.scale.fill_(4.0)
    torch.testing.assert_close(network.embed(*padded(clips())), (plain - 2) / 4)


def test_training_runs_clips_of_similar_length_together_and_gives_each_its_own_row(built, plugins):
    chosen = plugins.strategies["bottleneck"]  # it drops nothing out
    network = built("whisper", layer=2)
    chosen.prepare(network, CORPORA, None, parse(chosen.options, {"upper_layers": 1}, "bottleneck"))
    waves = [torch.randn(length) / 10 for length in torch.randint(1_600, 24_000, (2 * PIECE + 3,)).tolist()]
    features = network.frozen(*padded(waves))
    for parameter in network.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3)
    found = {}
    for training in (False, True):
        network.train(training).zero_grad()
        rows = network.embed_frozen(features)
        rows.square().sum().backward()
        found[training] = [rows, *(p.grad for p in network.parameters() if p.requires_grad)]
    for one, other in zip(found[False], found[True], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
