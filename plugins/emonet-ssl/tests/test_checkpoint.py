"""A checkpoint is known by what it holds; a missing, damaged or foreign one is one line."""

from __future__ import annotations

import json
import os
import shutil
import socket

import pytest
import torch
from checkpoints import whisper, write
from emonet_ssl import build
from emonet_ssl.families import HubertOptions, Wav2Vec2Options, WavlmOptions, WhisperOptions

from emonet_bench.config import parse
from emonet_bench.errors import ConfigError
from emonet_bench.types import InputSpec


def chosen(directory, **more):
    return parse(HubertOptions, {"checkpoint": str(directory), **more}, "options.hubert")


@pytest.fixture
def own(checkpoint, tmp_path):
    """Return a copy that a test may spoil."""
    return shutil.copytree(checkpoint("hubert"), tmp_path / "own")


def test_the_same_files_elsewhere_are_the_same_checkpoint(own, checkpoint):
    assert chosen(own).weights == chosen(checkpoint("hubert")).weights


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "preprocessor_config.json"])
def test_a_change_of_any_file_makes_another_checkpoint(own, file):
    before = chosen(own)
    content = bytearray((own / file).read_bytes())
    place = content.rfind(b"0") if file.endswith("json") else len(content) - 1
    content[place] = ord("1") if file.endswith("json") else content[place] ^ 1
    (own / file).write_bytes(content)
    assert chosen(own).weights != before.weights
    with pytest.raises(ConfigError, match=r"options\.hubert\.weights: .* is sha256:.*, not sha256:.* changed since"):
        chosen(own, weights=before.weights)


def test_a_name_is_looked_up_among_the_models_before_the_hub(own, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_MODELS_DIR", str(own.parent))
    assert chosen("own").weights == chosen(own).weights
    assert build(chosen("own"), InputSpec()).dim == 16


def test_a_note_beside_the_files_changes_nothing(own):
    before = chosen(own).weights
    (own / "README.md").write_text("mine")
    assert chosen(own).weights == before


def nothing(own):
    shutil.rmtree(own)


def no_weights(own):
    (own / "model.safetensors").unlink()


def no_config(own):
    (own / "config.json").unlink()


def junk_config(own):
    (own / "config.json").write_text("{")


def no_object(own):
    (own / "config.json").write_text("[]")


def deep(own):
    (own / "config.json").write_text("[" * 100_000)


def piped(own):
    (own / "config.json").unlink()
    os.mkfifo(own / "config.json")


def wordy_depth(own):
    config = json.loads((own / "config.json").read_text())
    (own / "config.json").write_text(json.dumps({**config, "num_hidden_layers": "two"}))


def boundless_depth(own):
    config = json.loads((own / "config.json").read_text())
    (own / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 10**12}))


FAULTS = {
    nothing: "no such directory, nor one in EMONET_BENCH_MODELS_DIR; give one that save_pretrained wrote",
    no_weights: r"holds no weights \(model.safetensors\)",
    no_config: "config.json cannot be read .*No such file",
    junk_config: "config.json cannot be read",
    no_object: "config.json cannot be read",
    deep: "config.json cannot be read",
    piped: "config.json cannot be read .*is no regular file",
    wordy_depth: "config.json of .* says -1 layers",
    boundless_depth: "config.json of .* says 1000000000000 layers",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_checkpoint_that_is_none_is_one_line_when_the_matrix_is_planned(own, fault):
    fault(own)
    with pytest.raises(ConfigError, match=rf"^options\.hubert\.checkpoint: .*{FAULTS[fault]}") as caught:
        chosen(own)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_family_names_it(own):
    with pytest.raises(ConfigError, match=r"options\.wavlm\.checkpoint: .* holds a 'hubert' model"):
        WavlmOptions(checkpoint=str(own))


def test_a_whisper_is_loaded_from_its_encoder_alone_or_from_any_whole_model(tmp_path):
    import transformers as hf

    whole, extractor = whisper()
    transcribing = hf.WhisperForConditionalGeneration(whole.config)
    transcribing.model.load_state_dict(whole.state_dict())
    found = []
    for name, model in (("whole", whole), ("transcribing", transcribing), ("encoder", whole.encoder)):
        model.save_pretrained(tmp_path / name)
        extractor.save_pretrained(tmp_path / name)
        network = build(WhisperOptions(checkpoint=str(tmp_path / name)), InputSpec())
        assert not [key for key in network.state_dict() if "decoder" in key]
        found.append(network.eval().embed(torch.ones(1, 4_000), None))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("kind", ["Wav2Vec2ForCTC", "Wav2Vec2ForPreTraining", "Wav2Vec2ForSequenceClassification"])
def test_a_backbone_is_loaded_from_models_with_any_head(kind, tmp_path):
    import transformers as hf

    write(tmp_path / "plain", "wav2vec2")
    plain = hf.Wav2Vec2Model.from_pretrained(tmp_path / "plain")
    headed = getattr(hf, kind)(plain.config)
    headed.wav2vec2.load_state_dict(plain.state_dict())
    headed.save_pretrained(tmp_path / "headed")
    hf.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(tmp_path / "headed")
    found = [
        build(Wav2Vec2Options(checkpoint=str(tmp_path / name)), InputSpec()).eval().embed(torch.ones(1, 4_000), None)
        for name in ("plain", "headed")
    ]
    assert torch.equal(*found)


def cut(own):
    (own / "model.safetensors").write_bytes((own / "model.safetensors").read_bytes()[:1000])


def headless(own):
    from safetensors.torch import load_file, save_file

    tensors = load_file(own / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "layers.1." not in name}
    save_file(kept, own / "model.safetensors", metadata={"format": "pt"})


def resized(own):
    config = json.loads((own / "config.json").read_text())
    (own / "config.json").write_text(json.dumps({**config, "intermediate_size": 20}))


def unprocessed(own):
    (own / "preprocessor_config.json").unlink()


DAMAGE = {cut: "cannot be loaded", headless: r"holds no weights for .*layers\.1\.", resized: "cannot be loaded"}
DAMAGE[unprocessed] = "has no feature extractor"


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_damaged_checkpoint_is_one_line_when_it_is_built(own, damage):
    damage(own)
    with pytest.raises(ConfigError, match=rf"^options\.hubert\.checkpoint: .*{DAMAGE[damage]}") as caught:
        build(chosen(own), InputSpec())
    assert "\n" not in str(caught.value)


def test_a_directory_asks_nothing_of_the_network(own, monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert build(chosen(own), InputSpec()).dim == 16


def test_a_name_on_the_hub_is_taken_from_the_cache_at_its_commit(tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "hub" / "models--someone--tiny-hubert"
    write(cached / "snapshots" / commit, "hubert")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    options = chosen("someone/tiny-hubert")
    assert options.weights == commit
    assert build(options, InputSpec()).dim == 16
    assert chosen("someone/tiny-hubert", weights=commit) == options


def test_a_name_that_cannot_be_had_is_one_line():
    with pytest.raises(ConfigError, match="someone/nothing: neither a directory nor to be had from the hub") as caught:
        chosen("someone/nothing")
    assert "\n" not in str(caught.value)
