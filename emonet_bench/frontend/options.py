"""Options of the front end: how a waveform becomes a spectrogram, and what is done to both in training."""

from __future__ import annotations

from typing import Literal

from emonet_bench.config import Options, option


class FrontEndOptions(Options):
    """The spectrogram, and augmentation in training only; defaults are EmoNet's."""

    num_mels: int = option(128, "Mel bands.", short="-nm", ge=1)
    n_fft: int = option(1024, "Samples of a frame, a multiple of eight.", ge=8, multiple_of=8)
    hop: int = option(512, "Samples from one frame to the next.", ge=1)
    f_min: float = option(20.0, "Lowest frequency of the mel bands in Hz.", ge=0)
    f_max: float = option(8000.0, "Highest frequency of the mel bands in Hz.", gt=0)
    triangles: Literal["hz", "mel"] = option(
        "hz", "Whether the sides of the mel bands are straight over Hz, or over mel as in the original EmoNet."
    )
    normalise: Literal["none", "utterance"] = option(
        "none", "utterance: zero mean and unit variance of the spectrogram, over all bands and frames of a clip."
    )
    time_masks: int = option(0, "Stretches of time hidden in each training clip (SpecAugment).", ge=0)
    time_mask_width: int = option(20, "Widest of them in frames, never more than half of the clip.", ge=1)
    freq_masks: int = option(0, "Stretches of frequency hidden in each training clip (SpecAugment).", ge=0)
    freq_mask_width: int = option(16, "Widest of them in mel bands, never more than half of them.", ge=1)
    gain: float = option(0.0, "Training clips are made louder or softer by up to this many decibels.", ge=0)
    noise: float | None = option(
        None, "Lowest signal-to-noise ratio in dB of white noise in training clips, up to 20 dB above; none: no noise."
    )
    speed: float = option(
        0.0, "Training batches are played faster or slower by up to this share, such as 0.1.", ge=0, le=0.5
    )
    random_noise: float | None = option(
        None,
        "Power of the Gaussian noise added to the spectrogram in training: its standard deviation; none: no noise.",
        short="-rn",
        gt=0,
    )

    def frames(self, samples: int) -> int:
        """Count the frames of a clip; one shorter than a frame is padded to one.

        >>> [FrontEndOptions().frames(samples) for samples in (1, 1024, 1535, 1536)]
        [1, 1, 1, 2]
        """
        return 1 + max(0, samples - self.n_fft) // self.hop
