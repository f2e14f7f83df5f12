"""Text files of corpora: decoded, of bounded size, and taken apart into records."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from emonet_bench.errors import CorpusError
from emonet_bench.files import check_regular

MOST_BYTES = 256 << 20
"""Size from which on a table is refused: some millions of rows."""

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path, *, lenient: bool = False) -> str:
    """Read a text file in UTF-8, or in UTF-16 where a byte-order mark says so.

    Args:
        path: The file.
        lenient: Replace bytes that are not UTF-8 instead of refusing them.

    Raises:
        OSError: It cannot be read.
        ConfigError: It is no regular file.
        CorpusError: It is too large, or in another encoding.
    """
    check_regular(path, "table")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise CorpusError(f"{path}: larger than {MOST_BYTES >> 20} MiB; that is no table of a corpus, or split it")
    encoding = "utf-16" if content.startswith(_WIDE) else "utf-8-sig"
    try:
        return content.decode(encoding, errors="replace" if lenient else "strict")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: not in UTF-8 ({error}); save it as CSV UTF-8") from error


def records(text: str, *, quoted: bool) -> Iterator[str]:
    r"""Yield the records of a text, without their line ends.

    Only carriage returns and newlines end one: ``str.splitlines`` breaks at U+0085 and others that stand within texts.

    Args:
        text: The text.
        quoted: As in CSV files, a record goes on over the lines until its quotes are closed.

    >>> list(records('1,"Well\x85 maybe"\n2,"two\nlines"', quoted=True))
    ['1,"Well\x85 maybe"', '2,"two\nlines"']
    """
    lines = (line.rstrip("\n") for line in io.StringIO(text, newline=None))
    if not quoted:
        yield from lines
        return
    opened: list[str] = []
    within = False
    for line in lines:
        opened.append(line)
        within ^= line.count('"') % 2 == 1
        if not within:
            yield "\n".join(opened)
            opened = []
    yield from opened  # a quote that is never closed: the lines stand for themselves
