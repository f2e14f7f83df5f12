"""LoRA and bottlenecks keep the contracts of strategies, reach every backbone, and skip everything else."""

from __future__ import annotations

import pytest
import torch
from checkpoints import FAMILIES

from emonet_bench.config import parse
from emonet_bench.errors import Skipped
from emonet_bench.export import export
from emonet_bench.networks import build_classifier
from emonet_bench.testing.networks import ADAPTABLE
from emonet_bench.types import InputSpec, TrainingSet

QUICK = {"rate": 1_000, "conv_dim": (8, 8), "conv_kernel": (10, 4), "conv_stride": (5, 4)}  # for the kit's 1 kHz
CORPORA = [TrainingSet("toys", ("calm", "tense"), 4)]


@pytest.mark.parametrize("family", ["hubert", "wavlm"])
@pytest.mark.parametrize("strategy", ["lora", "bottleneck"])
def test_a_strategy_keeps_its_contracts(strategy, family, plugins, checkpoint, check_strategy):
    options = {"checkpoint": checkpoint(family, **QUICK)}
    check_strategy(plugins.strategies[strategy], {}, plugins.architectures[family], options)


def test_lora_in_the_attention_keeps_the_contracts(plugins, checkpoint, check_strategy):
    options = {"checkpoint": checkpoint("wav2vec2", **QUICK)}
    check_strategy(plugins.strategies["lora"], {"layers": "attention"}, plugins.architectures["wav2vec2"], options)


@pytest.fixture
def prepared(plugins, checkpoint):
    """Let a strategy prepare a tiny backbone."""

    def of(strategy, family, **options):
        torch.manual_seed(0)
        architecture, chosen = plugins.architectures[family], plugins.strategies[strategy]
        given = parse(architecture.options, {"checkpoint": checkpoint(family)}, family)
        network = architecture.build(given, InputSpec())
        return chosen.prepare(network, CORPORA, None, parse(chosen.options, options, strategy))

    return of


CASES = [(strategy, family, {}) for strategy in ("lora", "bottleneck") for family in FAMILIES]
CASES += [("lora", family, {"layers": "attention"}) for family in FAMILIES if family != "wavlm"]


@pytest.mark.parametrize(("strategy", "family", "options"), CASES)
def test_every_part_that_is_added_is_used_and_nothing_else_is_trained(strategy, family, options, prepared):
    plan = prepared(strategy, family, **options)
    whole = plan.classifier.train()
    for parameter in whole.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3)  # what starts at zero hides what stands before it
    waveform = 0.1 * torch.randn(4, 16_000, generator=torch.Generator().manual_seed(0))
    (whole(waveform, None) * torch.randn(4, 2)).sum().backward()
    trained = {name for name, parameter in whole.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, parameter in whole.named_parameters() if parameter.grad is not None}
    assert not {name for name in trained if not whole.get_parameter(name).grad.any()}
    added = {name for name in trained if name.startswith("network.backbone.")}
    assert (
        len(added) == {"lora": 8, "bottleneck": 8}[strategy]
    )  # 2 layers x 2 places x (down, up); 2 x 2 x (weight, bias)
    assert all(("lora_" if strategy == "lora" else ".adapter.") in name for name in added)


@pytest.mark.parametrize("strategy", ["lora", "bottleneck"])
@torch.no_grad()
def test_an_adapted_backbone_starts_as_the_checkpoint_itself(strategy, prepared, plugins, checkpoint):
    options = parse(plugins.architectures["wavlm"].options, {"checkpoint": checkpoint("wavlm")}, "wavlm")
    plain = plugins.architectures["wavlm"].build(options, InputSpec()).eval()
    adapted = prepared(strategy, "wavlm").classifier.eval().network
    waveform = 0.1 * torch.randn(2, 16_000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(adapted.embed(waveform, None), plain.embed(waveform, None))


@pytest.mark.parametrize("strategy", ["lora", "bottleneck"])
def test_another_architecture_is_skipped_with_a_reason(strategy, plugins):
    network = ADAPTABLE.build(ADAPTABLE.options(), InputSpec())
    chosen = plugins.strategies[strategy]
    with pytest.raises(Skipped, match=f"{strategy} adapts pre-trained backbones: data2vec-audio, hubert"):
        chosen.prepare(network, CORPORA, None, chosen.options())


def test_wavlms_attention_is_skipped_with_a_reason(prepared):
    with pytest.raises(Skipped, match=r"reads its weights past LoRA; set options\.lora\.layers to 'feed-forward'"):
        prepared("lora", "wavlm", layers="attention")


@pytest.mark.parametrize(("strategy", "family"), [("lora", "hubert"), ("lora", "whisper"), ("bottleneck", "wavlm")])
def test_an_adapted_backbone_is_exported_and_lora_costs_nothing_there(strategy, family, prepared, tmp_path):
    import onnx

    whole = prepared(strategy, family).classifier
    for parameter in whole.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.1)
    parity = export(whole, "toys", tmp_path / "adapted.onnx", InputSpec(), {})
    plain = build_classifier(prepared(strategy, family).classifier.network, CORPORA).eval()
    assert parity.max_delta <= 1e-4
    if strategy == "lora":
        names = [tensor.name for tensor in onnx.load(tmp_path / "adapted.onnx").graph.initializer]
        assert not [name for name in names if "lora_" in name]
        assert (
            whole.network.backbone.layers[0].state_dict().keys() == plain.network.backbone.layers[0].state_dict().keys()
        )


@pytest.mark.parametrize("strategy", ["lora", "bottleneck"])
def test_weights_in_upper_layers_only_keep_the_contracts(strategy, plugins, checkpoint, check_strategy):
    options = {"checkpoint": checkpoint("hubert", **QUICK), "layer": 2, "pooling": "attention"}
    check_strategy(plugins.strategies[strategy], {"upper_layers": 1}, plugins.architectures["hubert"], options)


@pytest.mark.parametrize("strategy", ["lora", "bottleneck"])
@pytest.mark.parametrize(("layer", "upper"), [(1, 2), (0, None)])
def test_more_layers_than_are_used_are_skipped_with_a_reason(strategy, layer, upper, plugins, checkpoint):
    architecture, chosen = plugins.architectures["hubert"], plugins.strategies[strategy]
    given = parse(architecture.options, {"checkpoint": checkpoint("hubert"), "layer": layer}, "hubert")
    with pytest.raises(Skipped, match=f"{strategy} wants the upper {upper or 1} of the layers used, which are {layer}"):
        chosen.prepare(
            architecture.build(given, InputSpec()), CORPORA, None, parse(chosen.options, {"upper_layers": upper}, "x")
        )
