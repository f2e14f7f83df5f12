"""What a card may say: each fault is one line that names it."""

import tomllib

import pytest

from emonet_bench.config import parse
from emonet_bench.data.cards import corpus_at
from emonet_bench.data.cards.card import Card, ProtocolCard
from emonet_bench.errors import ConfigError
from emonet_bench.types import SplitRule
from tests.data.cards.mine import CARD


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "clip{id}"', 'name = "clip{nr}"', "tables.0: .*named groups of row"),
        ('name = "clip{id}"', 'name = "clip{id:d}"', "tables.0: .*as they stand"),
        ('name = "clip{id}"', 'name = "clip{id!r}"', "tables.0: .*as they stand"),
        ('name = "clip{id}"', 'name = "clip{id.real}"', "tables.0: .*named groups of row"),
        ('files = "*.txt"', 'files = "/*.txt"', "relative to the corpus's folder"),
        ("own = true", "folds = 0", "folds"),
        ("own = true", "folds = 2", "folds"),
        ("own = true", 'folds = "each"\ndev_groups = 0', "dev_groups"),
        ("clip\\\\d+", "(" * 900 + ")" * 900, "not a regular expression"),
        ("clip\\\\d+", "a" * 3000, "not a regular expression of at most"),
        ("own = true", "own = true\nfolds = 5", "either"),
        ('learn = "train"', 'learn = "training"', "partitions.learn"),
        ('a = "anger"', "", "at least two labels"),
        ("(?P<label>\\\\w)", "\\\\w", "one needs a named group label"),
        ('files = "*.txt"', 'files = "a**b.txt"', "tables.0.files: not a glob pattern"),
        ("clip\\\\d+", "(?i)clip\\\\d+", r"patterns.0: not a part of .*global flags .*write \(\?i:...\)"),
        ("clip\\\\d+", "(c)lip\\\\1", "patterns.0: not a part of an expression: cannot refer to an open group"),
        ("clip\\\\d+", "(?P<colour>c)", "patterns.0: may have the named groups label, speaker"),
        ("[labels]", '[corrections]\nclop1 = "a/clip1"\n[labels]', "corrections.clop1: not a file's name"),
        ("[labels]", '[corrections]\nclop1 = ""\n[labels]', "corrections.clop1: not a file's name"),
        ("[labels]", '[maps.few]\njoy = "x"\n[labels]', "'joy' is not among the labels"),
    ],
)
def test_a_faulty_card_is_one_line_that_names_it(folder, old, new, words):
    assert old.replace("\\\\", "\\") in CARD
    (folder / "card.toml").write_text(
        CARD.replace(old.replace("\\\\", "\\"), new.replace("\\\\", "\\")), encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=words) as caught:
        corpus_at("mine", folder)
    assert str(caught.value).startswith(str(folder / "card.toml"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"own": True}, SplitRule("speaker")),
        ({"by": "session", "folds": "each"}, SplitRule("session", folds="each")),
        ({"folds": 5, "dev_groups": 2, "seed": 7}, SplitRule("speaker", folds=5, dev_groups=2, seed=7)),
        (
            {"train": ["a"], "dev": ["b"], "test": ["c"]},
            SplitRule("speaker", fixed={"train": ("a",), "dev": ("b",), "test": ("c",)}),
        ),
    ],
)
def test_a_protocol_becomes_the_rule_that_carries_it_out(said, rule):
    assert parse(ProtocolCard, said, "card").rule() == rule


@pytest.mark.parametrize(
    "said", [{}, {"train": ["a"]}, {"train": ["a"], "dev": ["b"]}, {"own": True, "train": ["a"]}, {"folds": "all"}]
)
def test_a_protocol_is_of_one_kind_and_whole(said):
    with pytest.raises(ConfigError, match=r"^card"):
        parse(ProtocolCard, said, "card")


def test_a_label_that_is_false_is_left_out():
    assert parse(Card, tomllib.loads(CARD), "card").labels == {"n": "neutral", "a": "anger", "x": ""}


def test_a_label_may_be_read_in_parts():
    text = CARD.replace("(?P<label>\\w)", "\\w").replace("clip\\d+", "(?P<label1>[na])_(?P<label2>)")
    assert parse(Card, tomllib.loads(text), "card").patterns


def test_facts_are_what_a_corpus_has_no_field_for():
    text = 'speakers = 10\nfaults = ["clip 3 is cut", "clip 4 is silent"]\n' + CARD
    facts = parse(Card, tomllib.loads(text), "card").facts()
    assert facts == {
        "homepage": "https://example.org",
        "elicitation": "acted",
        "redistributable": "yes",
        "speakers": "10",
        "known faults": "clip 3 is cut; clip 4 is silent",
    }
