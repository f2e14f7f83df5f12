"""A corpus from its card: wherever that lies, and whoever wrote it."""

import pytest

from emonet_bench.data.cards import corpus_at
from emonet_bench.data.partitions import assign
from emonet_bench.errors import CorpusError
from tests.data.cards.mine import CARD


def test_tables_say_what_names_do_not(folder):
    corpus = corpus_at("mine", folder)
    utterances = corpus.load()
    assert corpus.labels == ("neutral", "anger")
    assert [(u.name, u.label, u.speaker) for u in utterances] == [
        ("clip1", "neutral", "ann"),
        ("clip2", "anger", "ann"),
        ("clip3", "neutral", "bob"),
        ("clip4", "anger", "eve"),
    ]  # clip5 stands in no table, clip9 has a label that is left out
    assert assign(utterances, corpus.protocols["official"], None) == ["train", "train", "dev", "test"]


def test_a_card_may_lie_elsewhere_than_its_audio(folder, tmp_path_factory):
    card = tmp_path_factory.mktemp("cards") / "any.toml"
    (folder / "card.toml").rename(card)
    assert len(corpus_at("mine", folder, card).load()) == 4


OUTSIDE = {
    "up": lambda folder: None,
    "a link to a file": lambda folder: (folder / "lists" / "secret.txt").symlink_to(folder.parent / "secret.txt"),
    "a link to a folder": lambda folder: (folder / "more").symlink_to(folder.parent / "secrets"),
}


@pytest.mark.parametrize("how", OUTSIDE)
def test_a_strangers_card_reads_no_text_outside_of_its_folder_and_ones_own_may(folder, tmp_path_factory, how):
    home = tmp_path_factory.mktemp("home")
    folder = folder.rename(home / "mine")
    (home / "secret.txt").write_text("root:x", encoding="utf-8")
    (home / "secrets").mkdir()
    (home / "secrets" / "learn.txt").write_text("5 n zoe", encoding="utf-8")
    OUTSIDE[how](folder)
    card = folder / "card.toml"
    if how == "up":
        card.write_text(CARD.replace("*.txt", "../secrets/*.txt"), encoding="utf-8")
    with pytest.raises(
        CorpusError, match=r"corpus mine: tables: .* lies outside of .*mine; put it there, or name"
    ) as caught:
        corpus_at("mine", folder).load()
    assert "\n" not in str(caught.value)
    own = corpus_at("mine", folder, card)
    if how == "a link to a file":
        assert len(own.load()) == 4
    else:
        assert "zoe" in {u.speaker for u in own.load()}
