"""Options of the baselines."""

from __future__ import annotations

from typing import Literal

from emonet_bench.config import Options, option
from emonet_bench.frontend.options import FrontEndOptions


class ChanceOptions(Options):
    """The architecture has no options."""


class FunctionalsOptions(FrontEndOptions):
    """Options of functionals; frames and bands are the usual ones of speech features, 26 bands of 25 ms every 10 ms."""

    num_mels: int = option(26, "Mel bands.", short="-nm", ge=1)
    n_fft: int = option(400, "Samples of a frame, a multiple of eight.", ge=8, multiple_of=8)
    hop: int = option(160, "Samples from one frame to the next.", ge=1)
    features: Literal["logmel", "mfcc"] = option("logmel", "Contours that are summed up by functionals.")
    num_mfccs: int = option(20, "MFCCs of a frame.", short="-mfcc", ge=1)
    balanced: bool = option(default=True, description="Weigh classes by their inverse frequency in train.")
    batch_size: int = option(8, "Clips that are heard at once while fitting; no number depends on it.", ge=1)


class SvmOptions(FunctionalsOptions):
    """Options of ``svm``."""

    c_grid: tuple[float, ...] = option(
        (1e-5, 1e-4, 1e-3, 1e-2), "Costs C of a mistake to choose from by UAR on dev.", min_length=1
    )


class LogisticOptions(FunctionalsOptions):
    """Options of ``logistic``."""

    c_grid: tuple[float, ...] = option(
        (1e-4, 1e-3, 1e-2, 1e-1, 1.0), "Costs C of a mistake to choose from by UAR on dev.", min_length=1
    )


class RidgeOptions(FunctionalsOptions):
    """Options of ``ridge``."""

    c_grid: tuple[float, ...] = option(
        (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2),
        "Costs C of a mistake to choose from by what selects on dev; ridge's alpha is 1 / (2 C).",
        min_length=1,
    )


class KnnOptions(FunctionalsOptions):
    """Options of ``knn``."""

    neighbours: tuple[int, ...] = option(
        (1, 3, 5, 9, 15, 25), "Numbers of nearest training clips to choose from by UAR on dev.", min_length=1
    )
