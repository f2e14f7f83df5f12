"""Escaping: what comes out says what went in, and is obeyed by nothing."""

import csv
import html.parser
import io
import json
import math
import re
import shlex
import unicodedata

import pytest

from emonet_bench import escaping
from tests.hostile import HOSTILE, obeyed

TEXTS = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


@TEXTS
def test_nothing_printed_is_obeyed_and_nothing_is_lost(text):
    told = escaping.printable(text)
    assert obeyed(told) == []
    assert escaping.printable(told) == told
    if "\\" not in text:
        assert told.encode("ascii", "backslashreplace").decode("unicode_escape") == text


def test_every_control_character_and_lone_surrogate_is_shown_and_writing_systems_are_left_alone():
    for code in range(0x110000):
        char = chr(code)
        if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") and char not in "\n\t":
            assert escaping.printable(char).startswith("\\"), hex(code)
    for text in ("怒り", "می‌خواهم", "joie é ß", "क्ष", "👩‍🔬", "a\nb\tc"):
        assert escaping.printable(text) == text


@TEXTS
def test_one_line_is_one_line(text):
    assert len(escaping.one_line(text).splitlines()) == 1


@TEXTS
def test_html_is_read_back_as_it_stood(text):
    class Reader(html.parser.HTMLParser):
        seen, tags = "", ()

        def handle_data(self, data):
            self.seen += data

        def handle_starttag(self, tag, attrs):
            self.tags += (tag, *dict(attrs).values())

    reader = Reader()
    reader.feed(f'<p title="{escaping.html(text)}">{escaping.html(text)}</p>')
    reader.close()
    assert reader.seen == escaping.printable(text)
    assert reader.tags == ("p", escaping.printable(text))


@TEXTS
def test_a_cell_of_markdown_is_one_cell_of_text(text):
    told = escaping.markdown(text)
    assert "<" not in told
    assert obeyed(told) == []
    bare = told.replace("\\\\", "")
    assert bare.replace("\\|", "").count("|") == 0
    assert bare.replace("\\`", "").count("`") == 0
    assert "](" not in told.replace("\\]", "")
    assert not told.startswith(("#", "-", "+", "=", "*"))


@pytest.mark.parametrize("text", ["macro_f1", "a - b", "emo-db", "UAR (x) 50 %", "2.5 s"])
def test_plain_names_stay_plain_in_markdown(text):
    assert escaping.markdown(text) == text


@TEXTS
def test_a_code_span_ends_where_it_should(text):
    span = escaping.markdown_code(text)
    fence = span[: len(span) - len(span.lstrip("`"))]
    assert span.endswith(fence)
    assert fence not in re.sub("[^`]", " ", span[len(fence) : -len(fence)]).split()
    assert "\n" not in span


@TEXTS
def test_latex_has_no_command_of_others(text):
    told = escaping.latex(text)
    assert "\n" not in told
    assert "\\input" not in told
    assert "\\end{" not in told
    assert not told.startswith(("[", "*"))
    for char in "&%$#_":
        assert told.count(char) == told.count(f"\\{char}")


@TEXTS
def test_no_cell_of_a_spreadsheet_is_a_formula(text):
    stream = io.StringIO()
    csv.writer(stream).writerow([escaping.csv_cell(text), escaping.csv_cell(-0.5), escaping.csv_cell(None)])
    ((cell, number, nothing),) = csv.reader(io.StringIO(stream.getvalue()))
    assert cell.lstrip()[:1] not in ("=", "+", "-", "@")
    assert cell.removeprefix("'") == escaping.one_line(text)
    assert (number, nothing) == ("-0.5", "")


@TEXTS
def test_json_is_read_back_as_it_stood(text):
    written = escaping.json_text({"note": [text], text: 1})
    assert obeyed(written) == []
    assert json.loads(written) == {"note": [text], text: 1}


def test_json_has_null_for_what_is_no_number():
    def refuse(name):
        raise AssertionError(name)

    value = {"a": math.nan, "b": [math.inf, (-math.inf, 1.5)], "c": {"d": None}}
    read = json.loads(escaping.json_text(value), parse_constant=refuse)
    assert read == {"a": None, "b": [None, [None, 1.5]], "c": {"d": None}}


@TEXTS
def test_a_word_of_a_command_line_is_one_word(text):
    assert shlex.split(escaping.shell_word(text)) == [escaping.printable(text)]
