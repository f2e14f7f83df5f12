"""Front ends: waveform to masked spectrogram, inside the network and inside the exported graph."""
