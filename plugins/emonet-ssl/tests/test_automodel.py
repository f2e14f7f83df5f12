"""Other models that ``AutoModel`` gives: run clip by clip, with their own feature extractors."""

from __future__ import annotations

import pytest
import torch
import transformers as hf
from checkpoints import FRAMES, POSITIONS, SIZE, write
from emonet_ssl import families
from test_backbones import clips, padded

from emonet_bench.config import parse
from emonet_bench.errors import ConfigError, ExportError, Skipped
from emonet_bench.export import export
from emonet_bench.networks import build_classifier
from emonet_bench.testing.architectures import CHECKS, onnx_parity
from emonet_bench.testing.bench import Bench
from emonet_bench.testing.contracts import hold
from emonet_bench.types import InputSpec, TrainingSet

CORPORA = [TrainingSet("toys", ("calm", "tense"), 4)]


@pytest.fixture(scope="session")
def w2v_bert(tmp_path_factory):
    """Write a tiny w2v-BERT, a conformer over filter banks."""
    torch.manual_seed(0)
    directory = tmp_path_factory.mktemp("w2v-bert")
    config = hf.Wav2Vec2BertConfig(feature_projection_input_dim=160, **SIZE)
    hf.Wav2Vec2BertModel(config).save_pretrained(directory)
    hf.SeamlessM4TFeatureExtractor().save_pretrained(directory)
    return str(directory)


@pytest.fixture
def network(plugins, w2v_bert):
    def of(architecture="automodel", **options):
        chosen = plugins.architectures[architecture]
        return chosen.build(parse(chosen.options, {"checkpoint": w2v_bert, **options}, "x"), InputSpec())

    return of


@torch.no_grad()
def own_states(directory, wave):
    extractor = hf.AutoFeatureExtractor.from_pretrained(directory)
    model = hf.AutoModel.from_pretrained(directory).eval()
    inputs = extractor(wave.numpy(), sampling_rate=16_000, return_tensors="pt")
    states = model(**inputs, output_hidden_states=True).hidden_states
    return [state[0, : int(inputs["attention_mask"].sum())] for state in states]


@pytest.mark.parametrize("layer", [0, 1, 2])
@torch.no_grad()
def test_a_layer_is_the_hidden_state_of_transformers(layer, network, w2v_bert):
    found = network(layer=layer).eval().embed(*padded(clips()))
    expected = torch.stack([own_states(w2v_bert, wave)[layer].mean(0) for wave in clips()])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_it_keeps_all_contracts_but_the_export(plugins, w2v_bert):
    chosen = plugins.architectures["automodel"]
    options = parse(chosen.options, {"checkpoint": w2v_bert, "pooling": "attention"}, "x")
    hold(
        "architecture",
        "automodel",
        [one for one in CHECKS if one is not onnx_parity],
        Bench(chosen, options, InputSpec()),
    )


def test_a_probe_of_it_drops_layers_too(network):
    probe = network("automodel-probe").eval()
    before = probe.embed_frozen(probe.frozen(*padded(clips())))
    assert before.shape == (2, 32)
    probe.choose(1)
    assert not [name for name in probe.state_dict() if "encoder.layers.1." in name]
    torch.testing.assert_close(
        probe.embed(*padded(clips())), network(layer=1, pooling="statistics").eval().embed(*padded(clips()))
    )


def test_frozen_features_make_the_same_embedding(network):
    for pooling in ("mean", "attention"):
        one = network(pooling=pooling).eval()
        features = one.frozen(*padded(clips()))
        torch.testing.assert_close(one.embed_frozen(features), one.embed(*padded(clips())))
    assert network().frozen_id() == network().frozen_id() != network(layer=1).frozen_id()


def test_what_it_cannot_do_is_one_line(network, plugins, tmp_path):
    with pytest.raises(ConfigError, match=r"^options\.automodel\.finetune: .* is run as one and stays frozen"):
        network(finetune="transformer")
    with pytest.raises(Skipped, match="adapts pre-trained backbones"):
        plugins.strategies["lora"].prepare(network(), CORPORA, None, plugins.strategies["lora"].options())
    with pytest.raises(ExportError, match="its feature extractor is no tensor program"):
        export(build_classifier(network(), CORPORA), "toys", tmp_path / "x.onnx", InputSpec(), {})


@torch.no_grad()
def test_a_model_that_stretches_its_output_gives_the_frames_of_its_layers(plugins, tmp_path):
    config = hf.SEWConfig(**SIZE, **FRAMES, **POSITIONS, num_feat_extract_layers=4, squeeze_factor=2)
    model = hf.SEWModel(config).eval()
    model.save_pretrained(tmp_path)
    hf.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(tmp_path)
    chosen = plugins.architectures["automodel"]
    network = chosen.build(parse(chosen.options, {"checkpoint": str(tmp_path), "layer": 2}, "x"), InputSpec()).eval()
    wave = clips()[1]
    expected = model(wave[None], output_hidden_states=True).hidden_states[2].mean(1)
    torch.testing.assert_close(network.embed(wave[None], None), expected, rtol=0, atol=1e-5)


def test_a_kin_of_wav2vec2_is_run_layer_by_layer(plugins, tmp_path):
    write(tmp_path, "unispeech-sat")
    chosen = plugins.architectures["automodel"]
    options = parse(chosen.options, {"checkpoint": str(tmp_path), "finetune": "transformer", "upper": 1}, "x")
    assert chosen.build(options, InputSpec()).split == 1


def test_a_family_with_an_architecture_of_its_own_is_named(checkpoint):
    with pytest.raises(
        ConfigError, match=r"^options\.automodel\.checkpoint: .* holds a 'hubert' model; .* or name hubert"
    ):
        families.AutoOptions(checkpoint=checkpoint("hubert"))


def text(directory):
    hf.BertModel(hf.BertConfig(**SIZE, vocab_size=20)).save_pretrained(directory)


def pictures(directory):
    hf.ViTModel(hf.ViTConfig(**SIZE, image_size=8, patch_size=4)).save_pretrained(directory)
    hf.ViTImageProcessorPil().save_pretrained(directory)


@pytest.mark.parametrize("kind", [text, pictures])
def test_a_model_of_something_else_than_speech_is_one_line(plugins, tmp_path, kind):
    kind(tmp_path)
    chosen = plugins.architectures["automodel"]
    options = parse(chosen.options, {"checkpoint": str(tmp_path)}, "x")
    with pytest.raises(ConfigError, match=r"^options\.automodel\.checkpoint: .*take a model of speech[^\n]*$"):
        chosen.build(options, InputSpec())
