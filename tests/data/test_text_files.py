import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emonet_bench.data.text_files import read_text, records
from emonet_bench.errors import ConfigError, CorpusError


def test_only_line_ends_end_a_record():
    text = "a\x85b\u2028c\x0bd\x0ce\x1cf\r\nsecond\rthird\n\nlast"
    assert list(records(text, quoted=False)) == ["a\x85b\u2028c\x0bd\x0ce\x1cf", "second", "third", "", "last"]


@given(st.lists(st.lists(st.text(alphabet='ab,"\n\x85é', max_size=5), min_size=1, max_size=3), max_size=5))
def test_records_are_those_of_the_csv_module(rows):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    found = [next(csv.reader(io.StringIO(record, newline=""))) for record in records(text.getvalue(), quoted=True)]
    assert found == rows


def test_a_quote_that_is_never_closed_takes_no_row_with_it():
    assert list(records('1,"open\n2,b\n3,c', quoted=True)) == ['1,"open', "2,b", "3,c"]


def test_bytes_that_are_not_utf_8_are_refused_or_replaced(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"\xef\xbb\xbfa\xffb")
    assert read_text(tmp_path / "t.txt", lenient=True) == "a\ufffdb"
    with pytest.raises(CorpusError, match=r"t\.txt: not in UTF-8"):
        read_text(tmp_path / "t.txt")


def test_a_folder_is_no_text(tmp_path):
    with pytest.raises(ConfigError, match="no regular file"):
        read_text(tmp_path)
