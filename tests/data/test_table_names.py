import string
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from emonet_bench.data.table_names import portable
from emonet_bench.types import Utterance

PART = st.text(string.ascii_lowercase + " #-", min_size=1, max_size=5)
PATHS = st.lists(st.lists(PART, min_size=1, max_size=3).map("/".join), min_size=1, max_size=5)


@given(PATHS, st.booleans())
def test_names_do_not_tell_where_a_corpus_lies(paths, inside):
    def listed(root):
        data_path = Path(root) if inside else Path("/somewhere/else")
        rows = [Utterance(f"{root}/{path}.wav", Path(root) / f"{path}.wav", "a") for path in paths]
        return [utterance.name for utterance in portable(rows, data_path)]

    assert listed("/home/one/corpus") == listed("/mnt/two/deeper/corpus")
    if inside:
        assert listed("/home/one/corpus") == [f"{path}.wav" for path in paths]


@given(PATHS)
def test_relative_names_are_left_alone(paths):
    rows = [Utterance(path, Path("/data") / path, "a") for path in paths]
    assert portable(rows, Path("/data")) == rows
