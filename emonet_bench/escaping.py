"""Escaping: text of others, made safe for each kind of output.

Names, labels, notes and messages come from cards, tables, records and plugins of strangers. Every renderer passes them
through the function of its kind of output; nothing here is imported beyond the standard library.
"""

from __future__ import annotations

import html as _html
import json
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1: escape sequences, bells, carriage returns
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # separators, marks and overrides of direction, invisible
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"  # lone surrogates, BOM, annotations, tags
)
_MARKDOWN = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")  # an underscore within a word means nothing
_FIRST = re.compile(r"^(\s*)([-+#>=]|\d+[.)](?=\s))")  # what makes a list, a heading or a quotation of a line
_LATEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    | {"[": "{[}", "]": "{]}", "*": "{*}"}  # at the start of a row they would belong to the line break before
)
_FORMULA = ("=", "+", "-", "@")


def printable(text: str) -> str:
    r"""Show what a terminal would obey, or nobody would see, as an escape; line breaks and tabs stay.

    >>> printable("a\x1b[2Jb\u202ec")
    'a\\x1b[2Jb\\u202ec'
    """
    return _UNSAFE.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def one_line(text: str) -> str:
    r"""Do as ``printable``, and put everything on one line.

    >>> one_line("first\nsecond")
    'first second'
    """
    return re.sub(r"[ \t\r\n]*[\t\r\n][ \t\r\n]*", " ", printable(text.replace("\r\n", "\n")))


def html(text: str) -> str:
    """Escape text for an element or a quoted attribute of HTML or SVG."""
    return _html.escape(printable(text))


def markdown(text: str) -> str:
    r"""Escape text for a line or a table's cell of Markdown: it is shown as it stands.

    >>> markdown("<b> a|b *c* macro_f1")
    '&lt;b&gt; a\\|b \\*c\\* macro_f1'
    """
    plain = _MARKDOWN.sub(r"\\\g<0>", one_line(text))
    return _FIRST.sub(_literal, re.sub("&(?=[#a-zA-Z])", "&amp;", plain)).replace("<", "&lt;").replace(">", "&gt;")


def _literal(match: re.Match[str]) -> str:
    mark = match[2]
    return match[1] + (f"{mark[:-1]}\\{mark[-1]}" if mark[0].isdigit() else f"\\{mark}" if mark != ">" else mark)


def markdown_code(text: str) -> str:
    r"""Put text into a code span of Markdown, also within a table's cell.

    >>> markdown_code("a`b|c")
    '`` a`b\\|c ``'
    """
    plain = one_line(text).replace("|", "\\|")
    longest = max(map(len, re.findall("`+", plain)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{plain}{space}{fence}"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table; what others have written in its cells is escaped already.

    >>> print(markdown_table(["a", "b"], [["1", "2"]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows))


def latex(text: str) -> str:
    r"""Escape text for a line or a table's cell of LaTeX.

    >>> latex("50 % of a_b")
    '50 \\% of a\\_b'
    """
    return one_line(text).translate(_LATEX)


def csv_cell(value: Any) -> Any:
    """Make a cell of a CSV file that people open in spreadsheets: text is never a formula; numbers stay numbers.

    An apostrophe goes before what would be one, as OWASP recommends ("CSV Injection"). Files that programs read back
    (``predictions.csv``, ``predict --format csv``) are not escaped: their names must come back as they were.

    >>> csv_cell("=1+1"), csv_cell(-0.5)
    ("'=1+1", -0.5)
    """
    if not isinstance(value, str):
        return value
    plain = one_line(value)
    return f"'{plain}" if plain.lstrip().startswith(_FORMULA) else plain


def json_text(value: Any, indent: int | None = None) -> str:
    r"""Write JSON as RFC 8259 has it: ``null`` where there is no number, and nothing that a terminal would obey.

    >>> json_text({"uar": float("nan"), "note": "\x9b2J"})
    '{"uar": null, "note": "\\u009b2J"}'
    """
    text = json.dumps(_finite(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text).replace("\x7f", "\\u007f")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shell_word(word: str | PathLike[str]) -> str:
    """Quote a path or a name for a command line that is to be copied.

    >>> shell_word("my results")
    "'my results'"
    """
    return shlex.quote(printable(str(word)))
