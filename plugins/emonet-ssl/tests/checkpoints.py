"""Tiny checkpoints with random weights, written by transformers in the format of the real ones."""

from __future__ import annotations

import torch
import transformers as hf

SIZE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
FRAMES = {
    "conv_dim": (8, 8, 8, 8),
    "conv_kernel": (10, 8, 4, 4),
    "conv_stride": (5, 4, 4, 4),
}  # as rare as the real ones
POSITIONS = {"num_conv_pos_embeddings": 6, "num_conv_pos_embedding_groups": 2}
DATA2VEC = {"num_conv_pos_embeddings": 2, "conv_pos_kernel_size": 5}
LARGE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}  # as the large models have it
MMS = {**LARGE, "adapter_attn_dim": 4}  # an adapter for each language, behind the feed-forward part
KINDS = {
    "data2vec-audio": (hf.Data2VecAudioConfig, hf.Data2VecAudioModel),
    "hubert": (hf.HubertConfig, hf.HubertModel),
    "unispeech-sat": (hf.UniSpeechSatConfig, hf.UniSpeechSatModel),
    "wav2vec2": (hf.Wav2Vec2Config, hf.Wav2Vec2Model),
    "wavlm": (hf.WavLMConfig, hf.WavLMModel),
}
FAMILIES = ["data2vec-audio", "hubert", "wav2vec2", "wavlm", "whisper"]


def write(directory, family, *, seed=0, rate=16_000, **changes):
    """Write a checkpoint and return its directory."""
    torch.manual_seed(seed)
    if family == "whisper":
        model, extractor = whisper(**changes)
    else:
        config, kind = KINDS[family]
        settings = {**SIZE, **FRAMES, **POSITIONS, **(DATA2VEC if family == "data2vec-audio" else {}), **changes}
        model = kind(config(num_feat_extract_layers=len(settings["conv_dim"]), **settings))
        extractor = hf.Wav2Vec2FeatureExtractor(sampling_rate=rate, do_normalize=True)
    model.save_pretrained(directory)
    extractor.save_pretrained(directory)
    return directory


def whisper(**changes):
    """Make an encoder that hears two seconds, with 16 mel bands."""
    config = hf.WhisperConfig(
        d_model=16,
        encoder_layers=changes.get("num_hidden_layers", 2),
        encoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=24,
        num_mel_bins=16,
        max_source_positions=100,
        vocab_size=60,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    return hf.WhisperModel(config), hf.WhisperFeatureExtractor(feature_size=16, chunk_length=2)
