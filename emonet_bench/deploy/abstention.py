"""Abstention: the label ``uncertain`` where a model's most probable one is less probable than its file asks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emonet_bench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

UNCERTAIN = "uncertain"
"""The label of an answer that is withheld."""


def abstain_below(metadata: Mapping[str, str]) -> float:
    """Read the probability below which a file's answers are withheld.

    Raises:
        ConfigError: The file does not say one.

    >>> abstain_below({"abstain_below": "0.45"})
    0.45
    """
    text = metadata.get("abstain_below", "")
    try:
        threshold = float(text)
    except ValueError:
        threshold = math.nan
    if not 0 <= threshold <= 1:
        raise ConfigError(
            "abstain: the file has no threshold (abstain_below); export its run with 'emonet-bench export RUN "
            "--abstain-risk 0.2', or leave abstain out"
        )
    return threshold


def label_of(labels: Sequence[str], row: NDArray[np.float32], threshold: float | None) -> str:
    """Name the most probable label of a row (K,), or ``uncertain`` where it lies below a threshold.

    >>> import numpy as np
    >>> row = np.array([0.6, 0.4], np.float32)
    >>> label_of(["joy", "fear"], row, None), label_of(["joy", "fear"], row, 0.7)
    ('joy', 'uncertain')
    """
    most = int(row.argmax())
    return UNCERTAIN if threshold is not None and float(row[most]) < threshold else labels[most]
