"""Challenges of a card: clips whose truth is hidden, found by their names, and the table that is handed in for them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from emonet_bench.config import Options
from emonet_bench.data.cards.bounded import bounded_matches
from emonet_bench.data.cards.expressions import of_path, part_of_path
from emonet_bench.errors import CorpusError
from emonet_bench.folders import files_in
from emonet_bench.types import AUDIO_SUFFIXES, LABEL, Challenge, Utterance

if TYPE_CHECKING:
    from emonet_bench.data.cards.card import Card


class ChallengeCard(Options):
    """A challenge that hides the truth of some clips.

    Attributes:
        title: Which, and what it asks for.
        clips: A regular expression for the end of a hidden clip's path without its suffix; what it matches is the
            clip's name.
        columns: By title what a column of its table holds, see ``types.Challenge``.
        metric: What it is judged by.
        target: Name of the target that is predicted, where that is not the label.
    """

    title: str
    clips: Annotated[str, AfterValidator(part_of_path)]
    columns: dict[str, str] = Field(min_length=2)
    metric: str = ""
    target: str = LABEL


def challenges_of(name: str, card: Card, folder: Path | None) -> dict[str, Challenge]:
    """Return the challenges that a card declares.

    Args:
        name: The corpus's name.
        card: Its card.
        folder: Where its audio lies.
    """
    codes: dict[str, str] = {}
    for code, label in card.labels.items():
        codes.setdefault(label, code)
    return {
        key: Challenge(one.title, one.target, partial(_hidden, name, one, folder), one.columns, codes, one.metric)
        for key, one in card.challenges.items()
    }


def _hidden(name: str, challenge: ChallengeCard, folder: Path | None) -> list[Utterance]:
    where = f"corpus {name}: {challenge.title}"
    if folder is None or not folder.is_dir():
        raise CorpusError(f"{where}: no audio; name its folder by 'emonet-bench corpora add {name} DIR'")
    audio = [file for file in files_in(folder) if file.suffix.lower() in AUDIO_SUFFIXES]
    paths = [file.relative_to(folder).with_suffix("").as_posix() for file in audio]
    found: dict[str, Utterance] = {}
    for file, groups in zip(audio, bounded_matches([of_path(challenge.clips)], paths, where), strict=True):
        if groups is not None:
            clip = Utterance(str(groups["_name"]), file, None)
            twin = found.setdefault(clip.name, clip)
            if twin is not clip:
                raise CorpusError(f"{where}: {twin.file} and {file} are both {clip.name}; remove one")
    if not found:
        raise CorpusError(f"{where}: no file under {folder} has a name of its hidden clips; unpack them there")
    return [found[key] for key in sorted(found)]
