"""The cards that we ship: documented names are read as documented, labels and protocols are those of the field."""

from pathlib import Path

import emonet_corpora
import pytest

from emonet_bench.config import parse, read_toml
from emonet_bench.data.cards import Card, corpus_from_card
from emonet_bench.data.cards.folder import read as read_utterance
from emonet_bench.data.cards.folder import read_names
from emonet_bench.data.cards.rows import Rows, read_rows
from emonet_bench.data.cards.targets import attributes_of

CARDS = sorted((Path(emonet_corpora.__file__).parent / "cards").glob("*.toml"))
VERIFIED = {"emodb", "emotiontts_ko", "emovo", "fsdd", "ravdess", "turevdb", "urdu"}  # against real files: test_corpora
STANDARD = {
    *(
        "anger",
        "anxiety",
        "apology",
        "assertiveness",
        "boredom",
        "calm",
        "concern",
        "contempt",
        "disgust",
        "encouragement",
    ),
    *("excitement", "fear", "frustration", "happiness", "joy", "neutral", "sadness", "surprise"),
}
OTHER = {"baved", "esc-10", "esc-50", "fsdd", "speech-commands"}  # labels are no emotions


def read(path):
    return parse(Card, read_toml(path), str(path))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_documented_names_are_read_as_documented(path):
    card = read(path)
    assert len(card.examples) >= 5 or path.stem in VERIFIED
    for name, expected in card.examples.items():
        rows = Rows()
        for table in card.tables:
            if (row := read_rows(table, [expected.row or ""], "", attributes_of(card.targets))[0]) is not None:
                rows.add(*row)
        (groups,) = read_names(card, [name], "")
        assert groups is not None, name
        utterance = read_utterance(card, Path(name), groups, rows)
        for key in ("label", "speaker", "text", "session", "partition", "votes", "labels", "values"):
            assert getattr(utterance, key) == getattr(expected, key), (name, key)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_labels_are_spelt_as_the_field_spells_them(path):
    labels = set(corpus_from_card(path, None).labels)
    assert path.stem in OTHER or labels <= STANDARD


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_the_default_protocol_keeps_what_makes_a_voice_apart(path):
    rule = next(iter(corpus_from_card(path, None).protocols.values()))
    own = path.stem == "speech-commands"  # its official lists go by a hash of the speaker
    assert own or rule.by in ("speaker", "session")
    if rule.fixed:
        groups = [group for part in ("train", "dev", "test") for group in rule.fixed[part]]
        assert len(groups) == len(set(groups))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_named_map_leaves_two_labels_at_least(path):
    card, corpus = read(path), corpus_from_card(path, None)
    assert corpus.maps == card.maps
    for name, mapped in corpus.maps.items():
        left = {mapped.get(label, label) for label in corpus.labels} - {""}
        assert len(left) >= 2, name
        if name[0].isdigit():
            assert len(left) == int(name[0]), name
