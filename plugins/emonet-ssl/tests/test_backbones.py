"""The backbones keep the contracts of architectures, and hear what transformers' own models hear."""

from __future__ import annotations

import pytest
import torch
import transformers
from checkpoints import FAMILIES, LARGE, MMS

from emonet_bench.errors import ConfigError
from emonet_bench.types import InputSpec

VARIANTS = [
    *((family, {}) for family in FAMILIES),
    ("wav2vec2", LARGE),
    ("hubert", LARGE),
    ("wavlm", LARGE),
    ("wav2vec2", MMS),
]
FULL = {"whisper": {"context": "full"}}  # as in its training
IDS = [family + {0: "", len(LARGE): "-large", len(MMS): "-mms"}[len(changes)] for family, changes in VARIANTS]


@pytest.mark.parametrize(("family", "changes"), VARIANTS[:6], ids=IDS[:6])
def test_a_backbone_keeps_its_contracts(family, changes, plugins, checkpoint, check_architecture):
    options = {"checkpoint": checkpoint(family, **changes), "finetune": "all", "pooling": "statistics"}
    check_architecture(plugins.architectures[family], options)


@pytest.mark.parametrize(("family", "finetune"), [("hubert", "none"), ("whisper", "transformer")])
def test_a_frozen_backbone_keeps_its_contracts(family, finetune, plugins, checkpoint, check_architecture):
    check_architecture(plugins.architectures[family], {"checkpoint": checkpoint(family), "finetune": finetune})


def clips():
    return [0.1 * torch.randn(size, generator=torch.Generator().manual_seed(size)) for size in (9_000, 16_123)]


def padded(waves):
    lengths = torch.tensor([len(wave) for wave in waves])
    waveform = torch.full((len(waves), int(lengths.max()) + 500), 0.7)
    for row, wave in zip(waveform, waves, strict=True):
        row[: len(wave)] = wave
    return waveform, lengths


@torch.no_grad()
def own_states(directory, wave):
    """Return the hidden states (L + 1, T, width) that transformers' model has of one clip alone, its own frames only."""
    extractor = transformers.AutoFeatureExtractor.from_pretrained(directory)
    model = transformers.AutoModel.from_pretrained(directory, dtype=torch.float32).eval()
    inputs = extractor(wave.numpy(), sampling_rate=16_000, return_tensors="pt", return_attention_mask=True)
    if isinstance(model, transformers.WhisperModel):
        told = model.encoder(inputs.input_features, output_hidden_states=True)
        samples = inputs.attention_mask.sum(-1)
    else:
        told = model(inputs.input_values, output_hidden_states=True)
        samples = torch.tensor([len(wave)])
    frames = int(model._get_feat_extract_output_lengths(samples))
    states = [*told.hidden_states[:-1], told.last_hidden_state]  # the last layer's, behind the last norm
    return torch.stack([state[0, :frames] for state in states])


@pytest.mark.parametrize(("family", "changes"), VARIANTS, ids=IDS)
@torch.no_grad()
def test_an_embedding_is_the_mean_of_what_transformers_hears_of_the_clip_alone(family, changes, built, checkpoint):
    network = built(family, changes, **FULL.get(family, {})).eval()
    network.layer_weights.copy_(torch.tensor([0.3, -0.5, 1.0]))
    waves = clips()
    found = network.embed(*padded(waves))
    states = [own_states(checkpoint(family, **changes), wave) for wave in waves]
    shares = torch.tensor([0.3, -0.5, 1.0]).softmax(0)
    expected = torch.stack([(shares[:, None, None] * own).sum(0).mean(0) for own in states])
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)
    own = network.backbone.enter(*padded(waves)).own
    assert own.sum(1).tolist() == [states_.shape[1] for states_ in states]


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_statistics_pool_the_deviation_too(family, built):
    found = built(family, pooling="statistics").eval().embed(*padded(clips()))
    mean = built(family).eval().embed(*padded(clips()))
    torch.testing.assert_close(found[:, :16], mean)
    assert (found[:, 16:] > 0).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_trained_is_what_was_asked_for(family, built):
    def trained(finetune, **options):
        network = built(family, finetune=finetune, **options)
        return {name for name, parameter in network.named_parameters() if parameter.requires_grad}

    assert trained("none") == {"layer_weights"}
    upper = trained("transformer", upper=1) - {"layer_weights"}
    assert upper
    assert all(name.startswith("backbone.layers.1.") for name in upper)
    assert any(".layers.0." in name for name in trained("transformer"))
    assert not any(".signal_part." in name for name in trained("transformer"))
    more = trained("all") - trained("transformer")
    assert more
    assert all(".signal_part." in name for name in more)


def test_a_frozen_backbone_drops_nothing_in_training(built):
    torch.manual_seed(0)
    network = built("hubert").train()
    first, second = (network.embed(*padded(clips())) for _ in range(2))
    assert torch.equal(first, second)
    learning = built("hubert", finetune="transformer").train()
    assert not torch.equal(learning.embed(*padded(clips())), learning.embed(*padded(clips())))


@pytest.mark.parametrize(("family", "changes"), VARIANTS, ids=IDS)
@torch.no_grad()
def test_bfloat16_is_rounding_and_nothing_worse(family, changes, built):
    network = built(family, changes, pooling="statistics").eval()
    exact = network.embed(*padded(clips()))
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network.embed(*padded(clips()))
    torch.testing.assert_close(rounded.float(), exact, rtol=0, atol=0.05)


@pytest.mark.parametrize("context", ["clip", "full"])
@torch.no_grad()
def test_whisper_hears_the_beginning_of_a_longer_clip(context, built):
    network = built("whisper", context=context).eval()
    wave = 0.1 * torch.randn(1, 40_000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(network.embed(wave, torch.tensor([40_000])), network.embed(wave[:, :32_000], None))


def test_another_sampling_rate_is_refused_in_one_line(built):
    with pytest.raises(ConfigError, match=r"training\.sampling_rate: .* hears 16000 .*, not 8000; set it to 16000"):
        built("wavlm", input_spec=InputSpec(8_000))


def test_a_batch_norm_over_positions_is_refused_in_one_line(built):
    with pytest.raises(ConfigError, match="batch norm over positions"):
        built("hubert", {"conv_pos_batch_norm": True})
