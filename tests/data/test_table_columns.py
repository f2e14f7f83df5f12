import pytest

from emonet_bench.data.table_columns import NAMES, columns, separator
from emonet_bench.errors import CorpusError


@pytest.mark.parametrize(("column", "known"), [(column, known) for column, others in NAMES.items() for known in others])
def test_a_column_is_known_by_each_of_its_names_however_written(column, known):
    header = [cell for cell in ("file", "label", "age") if cell != column][:2]
    assert columns("t", [*header, known.upper().replace("_", " ")])[column] == 2


def test_a_name_of_its_own_goes_before_one_alike():
    assert columns("t", ["path", "emotion", "label", "file"]) == {"file": 3, "label": 2}
    assert columns("t", ["path", "filename", "emotion"])["file"] == 0


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_separator_is_the_one_that_makes_known_names(mark):
    assert separator(mark.join(["File", "LABEL"])) == mark
    assert separator(mark.join(["one", "two"])) == ","


@pytest.mark.parametrize("header", [[], [""], ["file"], ["a", "b", "c"], ["file", "speaker"], ["label", "text"]])
def test_a_header_that_tells_too_little_is_refused(header):
    with pytest.raises(CorpusError, match=r"^t: "):
        columns("t", header)
