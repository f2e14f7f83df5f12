import pytest

from emonet_bench.config import parse
from emonet_bench.data.corpus_entry import CorpusEntry
from emonet_bench.errors import ConfigError


def entry(**values):
    return parse(CorpusEntry, values, "matrix.toml: corpora.mine")


def test_protocol_and_label_map_make_one_name():
    assert entry().division is None
    assert entry(protocol="loso").division == "loso"
    assert entry(protocol="loso", labels="4-class").division == "loso:4-class"
    assert entry(labels={"calm": "neutral", "surprise": False}).division == ":calm=neutral,surprise="


def test_a_card_or_a_folder_of_tables_is_found_beside_the_matrix(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "utterances.csv").write_text(
        "file,label,partition\na.wav,x,train\nb.wav,y,dev\nc.wav,x,test\n", encoding="utf-8"
    )
    assert entry().corpus("mine", tmp_path) is None
    beside = entry(card="tables").corpus("mine", tmp_path)
    assert [u.file for u in beside.load()] == [tmp_path / "tables" / f"{name}.wav" for name in "abc"]
    elsewhere = entry(card="tables", path="audio").corpus("mine", tmp_path)
    assert elsewhere.load()[0].file == tmp_path / "audio" / "a.wav"
    with pytest.raises(ConfigError, match="no table for train"):
        entry(card=str(tmp_path)).corpus("mine", tmp_path)
