"""Front ends: waveform to masked spectrogram, inside the network and inside the exported graph."""

from emonet_bench.frontend.spectrogram import DecibelLogMel, LogMel, Mfcc

__all__ = ["DecibelLogMel", "LogMel", "Mfcc"]
