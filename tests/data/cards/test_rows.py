"""The tables of a corpus, read as its card says."""

import pytest

from emonet_bench.config import parse
from emonet_bench.data.cards import corpus_at
from emonet_bench.data.cards.card import TableCard
from emonet_bench.data.cards.rows import Rows, read_rows, read_tables
from emonet_bench.errors import ConfigError, CorpusError
from tests.data.cards.mine import CARD, listed

LIST = {"files": "*.txt", "row": r"(?:.*/)?(?P<partition>\w+)\.txt:(?P<id>\d+) (?P<label>\w)?", "name": "clip{id}"}


CSV_CARD = CARD.replace("*.txt", "*.csv").replace(
    "(?P<partition>learn|tune|check)\\.txt:(?P<id>\\d+) (?P<label>\\w) (?P<speaker>\\w+)",
    '(?P<partition>learn|tune|check)\\.csv:(?P<id>\\d+),(?P<label>\\w),(?P<speaker>\\w+),(?:"[^"]*"|[^,]*)',
)


def test_records_of_csv_files_may_hold_any_line_separator_and_those_that_do_not_fit_are_told(folder):
    (folder / "card.toml").write_text(CSV_CARD, encoding="utf-8")
    rows = {
        "learn": 'id,label,speaker,text\r\n1,n,ann,"well\x85 maybe"\r\n2,a,ann,"one\r\ntwo"\r\n',
        "tune": "id,label,speaker,text\n3,n,bob,plain\u2028line\n3;n;bob\n\n",
        "check": "id,label,speaker,text\n4,a,eve,x",
    }
    for name, content in rows.items():
        (folder / "lists" / f"{name}.csv").write_text(content, encoding="utf-8", newline="")
    names, _, unmatched = listed(folder)
    assert names == ["clip1", "clip2", "clip3", "clip4"]
    assert unmatched == ("lists/tune.csv:3;n;bob",)


def test_blank_cells_tell_nothing(folder):
    text = CARD.replace("(?P<speaker>\\w+)", "(?P<speaker>\\w*)")
    (folder / "card.toml").write_text(text, encoding="utf-8")
    (folder / "lists" / "tune.txt").write_text("3 n ", encoding="utf-8")
    assert [u.speaker for u in corpus_at("mine", folder).load()] == ["ann", "ann", None, "eve"]


def table(**changes):
    return parse(TableCard, LIST | changes, "card")


def tables(folder, *described, confined=True):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return read_tables("mine", described, folder, files, confined=confined)


def test_a_row_is_the_name_that_the_card_makes_and_what_its_groups_read():
    lines = ["lists/learn.txt:1 n", "learn.txt:2 ", "learn.txt:one n"]
    assert read_rows(table(), lines, "here") == [
        ("clip1", {"partition": "learn", "label": "n"}),
        ("clip2", {"partition": "learn"}),
        None,
    ]


def test_braces_in_a_table_are_letters_and_no_fields():
    odd = table(row=r"(?P<path>[^:]*):(?P<label>\w) (?P<id>.*)", name="{id}")
    assert read_rows(odd, ["a.txt:n {path}{0}"], "here") == [("{path}{0}", {"label": "n"})]


def test_what_several_tables_say_of_an_utterance_is_put_together_in_their_order(tmp_path):
    for name, text in {"a.txt": "1 n\n2 n", "b.txt": "2 a\n3 a", "c.csv": "1 n"}.items():
        (tmp_path / name).write_text(text)
    speakers = table(row=r"b\.txt:(?P<id>\d+) (?P<speaker>\w)")
    assert tables(tmp_path, table(), speakers).read == {
        "clip1": {"partition": "a", "label": "n"},
        "clip2": {"partition": "b", "label": "a", "speaker": "a"},
        "clip3": {"partition": "b", "label": "a", "speaker": "a"},
    }


def test_records_of_csv_files_that_do_not_fit_are_counted_but_for_headers_and_blank_ones(tmp_path):
    (tmp_path / "a.csv").write_text("id,label\n1,n\n\nodd\n")
    (tmp_path / "b.txt").write_text("header\nodd\n")
    rows = tables(tmp_path, table(files="*.csv", row=r"a\.csv:(?P<id>\d+),(?P<label>\w)"), table())
    assert rows == Rows({"clip1": {"label": "n"}}, ["a.csv:odd"])


def test_a_table_outside_is_read_for_ones_own_card_only(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (tmp_path / "up.txt").write_text("5 n")
    outside = table(files="../*.txt", row=r".*:(?P<id>\d+) (?P<label>\w)")
    assert tables(folder, outside, confined=False).read == {"clip5": {"label": "n"}}
    with pytest.raises(CorpusError, match=r"^corpus mine: tables: .* lies outside of "):
        tables(folder, outside)


def test_a_table_that_is_gone_is_one_line_that_names_it(tmp_path):
    with pytest.raises(CorpusError, match=r"^corpus mine: .*gone\.txt: cannot be read") as caught:
        read_tables("mine", [table()], tmp_path, [tmp_path / "gone.txt"], confined=False)
    assert "\n" not in str(caught.value)


def test_details_are_of_the_row_above_and_another_line_ends_them():
    told = table(details=r"a\.txt:- (?P<vote1>\w)(?:, (?P<vote2>\w))?")
    lines = ["a.txt:- n", "a.txt:1 n", "a.txt:- n", "a.txt:- a, n", "a.txt:", "a.txt:- b", "a.txt:2 a", "a.txt:- a"]
    found = read_rows(told, lines, "here", {"vote"})
    rows = Rows()
    for row in filter(None, found):
        rows.add(*row)
    assert [None if row is None else row[0] for row in found] == [
        None, "clip1", "clip1", "clip1", None, None, "clip2", "clip2",
    ]  # fmt: skip
    assert rows.votes == {"clip1": {"n": 2, "a": 1}, "clip2": {"a": 1}}
    assert rows.read["clip1"] == {"partition": "a", "label": "n"}
    with pytest.raises(ConfigError, match="details must not read what names the utterance"):
        table(details=r"a\.txt:(?P<id>\d+)")
