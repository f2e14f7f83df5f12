"""Annotation formats: segments as RTTM (NIST), TextGrid (Praat) and WebVTT (W3C)."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from emonet_bench.escaping import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from emonet_bench.deploy.prediction import Prediction


def rttm(segments: Iterable[Prediction]) -> Iterator[str]:
    """Yield a line for each segment, of any number of files.

    The ten fields of "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", NIST, appendix A; the
    label stands where speakers have their names, and the field for confidence holds its probability. A space in a
    name, which the format has no place for, becomes ``_``.
    """
    for one in segments:
        file, label = ("_".join(one_line(text).split()) for text in (one.file, one.label))
        times = f"{one.start:.3f} {one.end - one.start:.3f}"
        yield f"SPEAKER {file} 1 {times} <NA> <NA> {label} {one.probabilities.max():.6f} <NA>\n"


def textgrid(segments: Sequence[Prediction], end: float) -> str:
    """Write the segments of one recording as a tier ``emotion``; what lies between them is an empty interval.

    Args:
        segments: In the order of time, without overlap.
        end: Last second of the recording.
    """
    intervals = [*_without_gaps(segments, end)]
    head = (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {end:.6f}\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n"
        f'        class = "IntervalTier"\n        name = "emotion"\n        xmin = 0\n        xmax = {end:.6f}\n'
        f"        intervals: size = {len(intervals)}\n"
    )
    parts = []
    for number, (first, last, label) in enumerate(intervals, 1):
        text = one_line(label).replace('"', '""')
        parts.append(
            f"        intervals [{number}]:\n            xmin = {first:.6f}\n            xmax = {last:.6f}\n"
            f'            text = "{text}"\n'
        )
    return head + "".join(parts)


def _without_gaps(segments: Sequence[Prediction], end: float) -> Iterator[tuple[float, float, str]]:
    """Yield intervals that follow each other from 0 to the end, at the six decimals in which they are written."""
    place, end = 0.0, round(end, 6)
    for one in segments:
        first, last = round(one.start, 6), round(one.end, 6)
        if first > place:
            yield place, first, ""
        yield first, last, one.label
        place = last
    if end > place:
        yield place, end, ""


def webvtt(segments: Iterable[Prediction]) -> Iterator[str]:
    """Yield the head of a file of captions, and a cue for each segment of one recording."""
    yield "WEBVTT\n"
    for one in segments:
        text = html.escape(one_line(one.label), quote=False)
        yield f"\n{_clock(one.start)} --> {_clock(one.end)}\n{text}\n"


def _clock(seconds: float) -> str:
    """Write a time as WebVTT has it.

    >>> _clock(3723.0456)
    '01:02:03.046'
    """
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
