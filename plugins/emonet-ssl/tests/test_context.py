"""What Whisper is given: each clip is followed by its own margin, whatever stands beside it."""

from __future__ import annotations

import pytest
import torch
from emonet_ssl import families
from test_backbones import clips, padded

from emonet_bench.config import parse
from emonet_bench.errors import ConfigError

CONTEXTS = ["clip", 1.5, "full"]


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("pooling", ["statistics", "attention"])
def test_every_context_keeps_the_contracts(context, pooling, plugins, checkpoint, check_architecture):
    given = {"checkpoint": checkpoint("whisper"), "context": context, "pooling": pooling, "head": "mlp"}
    check_architecture(plugins.architectures["whisper"], given)


@pytest.mark.parametrize("context", CONTEXTS)
@torch.no_grad()
def test_a_clip_is_the_same_beside_others_and_padded(context, built):
    network = built("whisper", context=context, pooling="statistics").double().eval()
    waves = [0.1 * torch.randn(size).double() for size in (1, 319, 321, 9_000, 31_990, 40_000)]
    waveform, lengths = padded(waves)
    together = network.embed(waveform.double(), lengths)
    alone = torch.cat([network.embed(wave[None], None) for wave in waves])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-9)


@torch.no_grad()
def test_the_context_of_a_clip_is_the_clip_and_a_second_of_silence(built):
    wave = clips()[0][:8_000]  # 25 frames, and 50 behind them
    cut, fixed = (built("whisper", context=context, layer=2).eval() for context in ("clip", 1.5))
    torch.testing.assert_close(cut.embed(wave[None], None), fixed.embed(wave[None], None), rtol=0, atol=1e-6)
    frames = cut.backbone.enter(*padded(clips()))
    assert (frames.attended.sum(1) - frames.own.sum(1)).tolist() == [50, 49]  # the second one meets the model's end
    assert frames.hidden.shape[1] == 100
    assert cut.backbone.enter(wave[None], None).hidden.shape[1] == 75


def test_a_shorter_context_stores_fewer_positions(built):
    assert len(built("whisper", context=0.5).backbone.positions) == 25
    assert len(built("whisper", context="full").backbone.positions) == 100


@pytest.mark.parametrize("context", [0.0, 2.5])
def test_a_context_that_the_model_has_no_positions_for_is_one_line(context, checkpoint):
    with pytest.raises(ConfigError, match=r"^options\.whisper\.context: .* out of range; .* takes 0\.02 to 2 s"):
        parse(families.WhisperOptions, {"checkpoint": checkpoint("whisper"), "context": context}, "options.whisper")
