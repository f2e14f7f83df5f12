"""One layer, or a mix: what lies above is not loaded, run, stored or exported."""

from __future__ import annotations

import onnx
import pytest
import torch
from checkpoints import FAMILIES, LARGE
from emonet_ssl import families
from test_backbones import clips, own_states, padded

from emonet_bench.config import parse
from emonet_bench.errors import ConfigError
from emonet_bench.export import export
from emonet_bench.networks import build_classifier
from emonet_bench.types import InputSpec, TrainingSet

CASES = [*((family, {}) for family in FAMILIES), ("wav2vec2", LARGE)]
FULL = {"whisper": {"context": "full"}}


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize(("family", "changes"), CASES, ids=lambda value: value if isinstance(value, str) else "")
@torch.no_grad()
def test_a_layer_is_the_hidden_state_of_transformers(family, changes, layer, built, checkpoint):
    network = built(family, changes, layer=layer, **FULL.get(family, {})).eval()
    waves = clips()
    expected = [own_states(checkpoint(family, **changes), wave)[layer].mean(0) for wave in waves]
    torch.testing.assert_close(network.embed(*padded(waves)), torch.stack(expected), rtol=0, atol=2e-5)
    assert not {i for i in range(layer, 2) for name in network.state_dict() if name.startswith(f"backbone.layers.{i}.")}


@pytest.mark.parametrize("family", ["hubert", "whisper"])
def test_a_model_of_a_lower_layer_is_a_smaller_file(family, built, tmp_path):
    def size(layer):
        path = tmp_path / f"{layer}.onnx"
        whole = build_classifier(built(family, layer=layer), [TrainingSet("toys", ("calm", "tense"), 4)])
        assert export(whole, "toys", path, InputSpec(), {}).max_delta <= 1e-4
        return sum(torch.tensor(tensor.dims).prod().item() for tensor in onnx.load(path).graph.initializer)

    numbers = sum(p.numel() for p in built(family).backbone.layers[1].layer.parameters() if p.dim() > 1)
    assert size(2) - size(1) >= numbers


@pytest.mark.parametrize("layer", [-1, 3])
def test_a_layer_out_of_range_is_one_line(layer, checkpoint):
    with pytest.raises(ConfigError, match=rf"^options\.whisper\.layer: {layer} is out of range; .* 0 .* to 2$"):
        parse(families.WhisperOptions, {"checkpoint": checkpoint("whisper"), "layer": layer}, "options.whisper")
    with pytest.raises(ConfigError, match=r"^options\.whisper-probe\.layers: .* is out of range"):
        parse(families.WhisperProbeOptions, {"checkpoint": checkpoint("whisper"), "layers": [1, layer]}, "x")


@pytest.mark.parametrize("given", [{"upper": 1}, {"upper": 3, "finetune": "transformer"}])
def test_upper_layers_that_are_not_there_are_one_line(given, checkpoint):
    with pytest.raises(ConfigError, match=r"^options\.hubert\.upper: . needs finetune = 'transformer'"):
        parse(families.HubertOptions, {"checkpoint": checkpoint("hubert"), **given}, "options.hubert")


def test_nothing_is_said_while_a_part_of_a_checkpoint_is_loaded(built, capfd, caplog):
    built("whisper", layer=1)
    built("hubert", layer=1)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@pytest.mark.parametrize("pooling", ["mean", "statistics", "attention"])
@pytest.mark.parametrize("normalise", ["none", "utterance"])
@torch.no_grad()
def test_a_mix_is_the_weighted_mean_of_the_layers_rows(pooling, normalise, built):
    network = built("hubert", pooling=pooling, normalise=normalise).eval()
    network.layer_weights.copy_(torch.tensor([0.3, -0.5, 1.0]))
    layers = [built("hubert", layer=i, pooling=pooling, normalise=normalise).eval() for i in range(3)]
    rows = torch.stack([layer.embed(*padded(clips())) for layer in layers])
    mixed = (network.layer_weights.softmax(0)[:, None, None] * rows).sum(0)
    found = network.embed(*padded(clips()))
    if pooling == "attention" and normalise == "utterance":  # frames are mixed before they are pooled
        torch.testing.assert_close(found.mean(1), torch.zeros(2), rtol=0, atol=1e-5)
        torch.testing.assert_close(found.std(1, correction=0), torch.ones(2), rtol=0, atol=1e-3)
    else:
        torch.testing.assert_close(found, mixed, rtol=0, atol=1e-5)


@torch.no_grad()
def test_attention_pools_by_what_its_query_asks_for(built, checkpoint):
    network = built("hubert", layer=1, pooling="attention").eval()
    query = torch.randn(16, generator=torch.Generator().manual_seed(0))
    network.attention.query.copy_(query)
    expected = []
    for wave in clips():
        frames = own_states(checkpoint("hubert"), wave)[1]
        expected.append((frames @ query / 4).softmax(0) @ frames)
    torch.testing.assert_close(network.embed(*padded(clips())), torch.stack(expected), rtol=0, atol=2e-5)


@pytest.mark.parametrize(("head", "linears"), [("linear", 1), ("mlp", 3), ("emonet", 2)])
def test_heads_have_the_layers_that_they_are_named_for(head, linears, built):
    made = built("hubert", layer=1, head=head).make_head(4)
    assert sum(isinstance(part, torch.nn.Linear) for part in made.modules()) == linears
    assert made(torch.randn(3, 16)).shape == (3, 4)
    assert made.output.out_features == 4


@pytest.mark.parametrize("head", ["linear", "mlp", "emonet"])
@pytest.mark.parametrize("names", [("arousal",), ("arousal", "valence")])
def test_values_have_an_output_each_even_one_or_two(head, names, built):
    made = built("hubert", layer=1, head=head).make_head(len(names), independent=True).eval()
    logits = made(torch.randn(3, 16))
    assert logits.shape == (3, len(names))
    assert bool((logits != 0).all())  # two labels would have [0, z]


@pytest.mark.parametrize("family", ["hubert", "whisper"])
def test_the_layers_hold_the_whole_backbone_from_the_signal_on(family, built):
    network = built(family, layer=2)
    before, *layers = network.ordered_layers()
    assert layers == list(network.backbone.layers)
    told = {parameter for layer in (before, *layers) for parameter in layer.parameters()}
    assert told == set(network.backbone.parameters())
    assert set(network.backbone.signal_part.parameters()) <= set(before.parameters())
