"""The model card of an int8 variant: its own scores, size and speed beside those of float32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from emonet_bench.escaping import markdown, markdown_code, markdown_table
from emonet_bench.export.card import LIMITS, usage


class Measured(NamedTuple):
    """What a file was measured to be.

    Attributes:
        uar: On test, through onnxruntime.
        interval: Its 95 % interval.
        bytes: The file's size.
        milliseconds: Processor time for a clip, on one core of this machine.
    """

    uar: float
    interval: tuple[float, float]
    bytes: int
    milliseconds: float


class Quantised(NamedTuple):
    """An int8 variant beside what it was made from."""

    float32: Measured
    int8: Measured

    @property
    def speed(self) -> float:
        """How many times as fast as float32 the variant is on this machine, on one core."""
        return self.float32.milliseconds / self.int8.milliseconds

    def plain(self) -> dict[str, dict[str, Any]]:
        """Return it as what JSON holds."""
        return {name: one._asdict() for name, one in zip(self._fields, self, strict=True)}


def int8_card(metadata: Mapping[str, str], found: Quantised, file: str, model: str, *, masked: bool) -> str:
    """Write the model card of an int8 variant in Markdown.

    Args:
        metadata: What the variant says of itself.
        found: What was measured of it, and of float32.
        file: The variant's name.
        model: The name of the file that it is a variant of.
        masked: Whether it takes ``lengths``.
    """
    rows = [
        (
            name,
            f"{one.uar:.3f} [{one.interval[0]:.3f}, {one.interval[1]:.3f}]",
            f"{one.bytes / 1e6:.2f} MB",
            f"{one.milliseconds:.1f}",
        )
        for name, one in zip(found._fields, found, strict=True)
    ]
    return f"""# {markdown(f"{metadata['corpus']}: {metadata['architecture']}, {metadata['strategy']}, int8")}

{markdown_code(file)} is {markdown_code(model)} with weights in 8 bits. The card of that file says what it was trained
on and where it comes from.

Corpus: {markdown(metadata["corpus"])}. Licence of its audio: {markdown(metadata["licence"])}.

## Scores, size and speed

{markdown_table(("", "test UAR", "size", "milliseconds per clip"), rows)}

Both were scored through onnxruntime on the same test clips; in brackets the 95 % interval. Milliseconds are processor
time on one core of the machine of the export, where int8 is {found.speed:.2f} times as fast. Elsewhere it may not be.

{usage(metadata, file, masked=masked)}

{LIMITS}
"""
