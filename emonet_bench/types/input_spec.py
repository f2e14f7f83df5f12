"""Input specification: what is heard of a clip. No torch at import.

``emonet_bench.types`` has this name, too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InputSpec:
    """What is heard of a clip.

    An architecture is built for one. Its network may have one as an attribute ``input_spec``, which says what it hears
    whatever the recipe says: with a window, ``embed`` cuts the centre out of longer clips, and exports say so.

    Attributes:
        sampling_rate: Samples per second.
        window: Samples of a fixed window, or None where clips keep their own length.
        hop: Samples from one window to the next where a clip is heard as the mean over its windows; None: one window.
    """

    sampling_rate: int = 16_000
    window: int | None = None
    hop: int | None = None
