"""The folder reader: the utterances of a corpus's folder, as its card says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

from emonet_bench.data.cards.bounded import bounded_matches
from emonet_bench.data.cards.card import Card
from emonet_bench.data.cards.expressions import of_path
from emonet_bench.data.cards.matching import Groups
from emonet_bench.data.cards.rows import Rows, read_tables
from emonet_bench.data.cards.targets import attributes_of, read_targets
from emonet_bench.data.coverage import Listing
from emonet_bench.data.folders import is_special
from emonet_bench.errors import CorpusError
from emonet_bench.folders import files_in
from emonet_bench.types import AUDIO_SUFFIXES, Utterance

Code = TypeVar("Code", bound=str)


def load(name: str, card: Card, folder: Path | None, *, confined: bool = True) -> Listing:
    """List the utterances of a folder, sorted by name, and what is no utterance.

    Args:
        name: The corpus's name.
        card: Its card.
        folder: Where its audio lies.
        confined: Whether the card's tables must lie there, too.

    Raises:
        CorpusError: There are none, two have one name, or a code has no meaning; one line with the remedy.
    """
    where = f"corpus {name}: no audio"
    remedy = (
        f"get it from {card.homepage} and unpack it; then `emonet-bench corpora add {name} DIR`, or name the directory "
        f"that holds it as a folder {name!r} (--corpora-dir DIR or EMONET_BENCH_CORPORA_DIR)"
    )
    if folder is None:
        raise CorpusError(f"{where}; {remedy}")
    if not folder.is_dir():
        alike = _of_like_name(folder)
        raise CorpusError(f"{where}: {folder} is no directory; {f'rename {alike} to {name}' if alike else remedy}")
    listing = _listing(name, card, folder, confined=confined)
    if not listing:
        raise CorpusError(f"{where}: no file under {folder} has a name of this corpus; {remedy}")
    return listing


def _of_like_name(folder: Path) -> Path | None:
    """Find a directory beside a missing one whose name differs in capitals and hyphens only."""
    try:
        beside = sorted(folder.parent.iterdir())
    except OSError:
        return None
    return next((one for one in beside if _plain(one.name) == _plain(folder.name) and one.is_dir()), None)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def _listing(name: str, card: Card, folder: Path, *, confined: bool) -> Listing:
    files = list(files_in(folder))
    audio = [file for file in files if file.suffix.lower() in AUDIO_SUFFIXES]
    attributes = attributes_of(card.targets)
    rows = read_tables(name, card.tables, folder, files, confined=confined, attributes=attributes)
    names = read_names(card, [file.relative_to(folder).with_suffix("").as_posix() for file in audio], f"corpus {name}")
    found: dict[str, Utterance] = {}
    strangers: list[str] = []
    for file, groups in zip(audio, names, strict=True):
        try:
            utterance = None if groups is None or is_special(file) else read(card, file, groups, rows)
        except CorpusError as error:
            raise CorpusError(f"corpus {name}: {file}: {error}") from None
        if utterance is None:
            strangers.append(file.relative_to(folder).as_posix())
        elif utterance.label != "":
            twin = found.setdefault(utterance.name, utterance)
            if twin is not utterance:
                raise CorpusError(f"corpus {name}: {twin.file} and {file} are both {utterance.name}; remove one")
    heard = {groups["_name"] for groups in names if groups}
    absent = [utterance for utterance in rows.read if utterance not in heard]
    return Listing((found[key] for key in sorted(found)), strangers, [*rows.unmatched, *absent])


def read_names(card: Card, paths: Sequence[str], where: str) -> list[Groups | None]:
    """Read names of files.

    Args:
        card: The corpus's card.
        paths: N paths under the corpus's folder, POSIX style, without suffix, in any Unicode normal form.
        where: Whose they are, for messages.

    Returns:
        For each what its pattern's groups read, and as ``_name`` the utterance's name; None where no pattern fits.

    Raises:
        CorpusError: The patterns take too long.
    """
    return bounded_matches([*map(of_path, card.patterns)], [_corrected(card, path) for path in paths], where)


def read(card: Card, file: Path, groups: Groups, rows: Rows) -> Utterance | None:
    """Make an utterance of a name that was read.

    Args:
        card: The corpus's card.
        file: The file.
        groups: What its name says.
        rows: What the tables say.

    Returns:
        None where nothing tells its label or a target, or its partition is no part of the corpus. A label of ``""`` is
        one that the card leaves out.

    Raises:
        CorpusError: A code has no meaning; the message names no file.
    """
    name = str(groups["_name"])
    said = {**_joined(groups), **rows.read.get(name, {})}
    own = said.get("partition")
    partition = _meaning(card.partitions, "partition", own) if own else card.partitions.get("")
    if partition == "":
        return None
    targets = read_targets(card.targets, said, rows.votes.get(name, {}))
    agreed, code = targets.pop("label", None), said.get("label")
    if code is None and not targets:
        return None
    label = agreed if code is None else _meaning(card.labels, "label", code)
    if targets and not label:
        label = None
    speaker, text, session = (said.get(key) for key in ("speaker", "text", "session"))
    return Utterance(name, file, label, speaker, text, session, partition=partition, **targets)


def _corrected(card: Card, path: str) -> str:
    whole = PurePosixPath(unicodedata.normalize("NFC", path))
    return whole.with_name(card.corrections.get(whole.name, whole.name)).as_posix()


def _joined(groups: Mapping[str, str | None]) -> dict[str, str]:
    """Join numbered groups: ``{"speaker1": "Ses01", "speaker2": "F"}`` is the speaker ``Ses01F``."""
    joined: dict[str, str] = {}
    for name, text in groups.items():
        if text and not name.startswith("_"):
            key = name.rstrip("0123456789")
            joined[key] = joined.get(key, "") + text
    return joined


def _meaning(codes: Mapping[str, Code], kind: str, code: str) -> Code:
    if code not in codes:
        raise CorpusError(f"its card has no {kind} for the code {code!r}")
    return codes[code]
