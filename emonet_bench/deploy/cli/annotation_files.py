"""Annotation files: TextGrids and captions, which hold one recording each, as one file or in a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from emonet_bench.console.outputs import naming
from emonet_bench.deploy.cli.inputs import STDIN
from emonet_bench.errors import ConfigError
from emonet_bench.files import write_text

if TYPE_CHECKING:
    from emonet_bench.deploy import Prediction

SUFFIXES: Mapping[str, str] = {"textgrid": ".TextGrid", "webvtt": ".vtt"}
"""Formats that have no place for the name of a recording, and the suffixes of their files."""


class AnnotationFolder:
    """A folder with an annotation for each recording: of ``a/talk.wav`` it is ``talk.TextGrid``.

    What was found in a folder keeps its place in it: of ``inner/talk.wav`` in ``a`` it is ``inner/talk.TextGrid``.

    Args:
        directory: It is made where it is missing.
        form: A key of ``SUFFIXES``.
        arguments: Files and folders, as they were named.
    """

    def __init__(self, directory: Path, form: str, arguments: Sequence[str]) -> None:
        self.directory = directory
        self._form = form
        self._folders = [Path(argument) for argument in arguments if argument != STDIN]
        self._taken: dict[Path, str] = {}

    def path_of(self, recording: str) -> Path:
        """Tell where a recording's annotation belongs.

        Raises:
            ConfigError: Another recording's belongs there, too, or it has no name.
        """
        name = self._name(Path(recording))
        if name.name in {"", ".."}:
            raise ConfigError(f"--output: {recording!r} is no name of a file; name files")
        name = name.with_suffix(SUFFIXES[self._form])
        other = self._taken.setdefault(name, recording)
        if other != recording:
            raise ConfigError(f"--output: {other} and {recording} would both be {name} there; give one call for each")
        return self.directory / name

    def check(self, recordings: Iterable[str]) -> None:
        """Refuse recordings of which two would have one annotation, before any work; raises what ``path_of`` does."""
        for recording in recordings:
            self.path_of(recording)

    def write(self, segments: Iterable[Prediction], ends: Mapping[str, float]) -> None:
        """Write the annotation of each recording when its last segment is known; at last those without any.

        Args:
            segments: Of all recordings, one after the other.
            ends: The last second of each recording, once its last segment is known.

        Raises:
            StoreError: A file cannot be written.
        """
        written = set()
        for recording, own in groupby(segments, lambda one: one.file):
            known = [*own]  # to its last one, so that its end is known
            self._write(recording, annotation(self._form, known, ends[recording]))
            written.add(recording)
        for recording in ends.keys() - written:
            self._write(recording, annotation(self._form, [], ends[recording]))

    def _name(self, recording: Path) -> Path:
        within = [folder for folder in self._folders if recording != folder and recording.is_relative_to(folder)]
        if not within:
            return Path(recording.name)
        return recording.relative_to(max(within, key=lambda folder: len(folder.parts)))

    def _write(self, recording: str, text: str) -> None:
        path = self.path_of(recording)
        with naming(path, "--output"):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, text)


def annotation(form: str, segments: Sequence[Prediction], end: float) -> str:
    """Write the segments of one recording that lasts ``end`` seconds."""
    from emonet_bench.deploy.annotations import textgrid, webvtt  # noqa: PLC0415 - not for other formats

    return textgrid(segments, end) if form == "textgrid" else "".join(webvtt(segments))


def with_ends(predictions: Iterable[Prediction], ends: dict[str, float]) -> Iterator[Prediction]:
    """Yield predictions, and note the last second of each recording."""
    for one in predictions:
        ends[one.file] = one.end
        yield one
