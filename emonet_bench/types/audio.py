"""Audio sources: where the audio of an utterance lies when it is no file of its own. No torch at import.

``emonet_bench.types`` has these names, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from emonet_bench.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ArchiveFormat = Literal["zip", "tar"]

AUDIO_SUFFIXES = frozenset(
    {".aif", ".aifc", ".aiff", ".au", ".avr", ".caf", ".flac", ".htk", ".ircam", ".mp3", ".mpc2k", ".nist", ".oga"}
    | {".ogg", ".opus", ".paf", ".pvf", ".rf64", ".sd2", ".sds", ".snd", ".sph", ".svx", ".voc", ".w64", ".wav"}
    | {".wave", ".wavex", ".wve", ".xi"}
)
"""Suffixes, in small letters, by which a file is taken for audio: libsndfile reads it without being told more."""


@dataclass(frozen=True)
class ArchiveMember:
    """A file in an archive, which is read where it lies: a ZIP file, or a tar file that is not compressed.

    As text it is written as fsspec does, ``zip://clips/a.wav::audio.zip``.

    Attributes:
        archive: The archive.
        member: The file's name in it.
        format: What the archive is.
    """

    archive: Path
    member: str
    format: ArchiveFormat = "zip"

    @property
    def name(self) -> str:
        """The member's name without folders, as of a path."""
        return self.member.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.format}://{self.member}::{self.archive}"


@dataclass(frozen=True)
class LazyAudio:
    """Audio that a function gives when it is needed, such as a row of a data set.

    Attributes:
        identity: Names what is heard, in one line, and changes whenever that does: a data set, its revision and the
            row. What was decoded once is kept under it. Two with the same identity are equal.
        load: Returns ``(samples, sampling_rate)``: (S,) or (S, channels) floats in [-1, 1] or signed integers; or the
            content of a sound file as bytes. Several threads may call it at once.
    """

    identity: str
    load: Callable[[], tuple[NDArray[Any], int] | bytes] = field(compare=False)

    def __post_init__(self) -> None:
        if not self.identity.isprintable() or not self.identity.strip():
            raise ConfigError(f"LazyAudio: the identity {self.identity!r} names nothing; give a text of one line")

    @property
    def name(self) -> str:
        """Its identity, in place of a file's name."""
        return self.identity

    def __str__(self) -> str:
        return self.identity


AudioSource = Path | ArchiveMember | LazyAudio
"""Where the audio of an utterance lies."""


def archive_member(text: str) -> tuple[ArchiveFormat, str, str] | None:
    """Take ``zip://MEMBER::ARCHIVE`` or ``tar://MEMBER::ARCHIVE`` apart; None where a text is no such address.

    Raises:
        ValueError: It begins like one and lacks a part.

    >>> archive_member("zip://clips/a.wav::audio.zip"), archive_member("clips/a.wav")
    (('zip', 'clips/a.wav', 'audio.zip'), None)
    """
    for one in get_args(ArchiveFormat):
        if text.startswith(f"{one}://"):
            member, _, archive = text.removeprefix(f"{one}://").rpartition("::")
            if not member or not archive:
                raise ValueError(f"{text!r} names no member of an archive; write {one}://MEMBER::ARCHIVE")
            return one, member, archive
    return None
