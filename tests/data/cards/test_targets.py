"""Targets of a card, from names of files and rows of tables to utterances."""

import pytest

from emonet_bench.data.cards import corpus_from_card
from emonet_bench.errors import ConfigError, CorpusError

CARD = """
title = "Mine"
homepage = "https://example.org"
licence = "CC0"
redistributable = "yes"
citation = ""
languages = ["en"]
elicitation = "acted"
patterns = ['(?P<speaker>s\\d)_(?P<intensity>\\d)_\\d']

[[tables]]
files = "votes.csv"
row = 'votes\\.csv:(?P<id>\\w+),(?P<vote>\\w)'
name = "{id}"

[labels]
A = "anger"
J = "joy"
S = "sadness"

[targets.votes]
kind = "votes"
codes = { A = "anger", J = "joy", S = "sadness" }
consensus = "majority"

[targets.heard]
kind = "label-set"

[targets.intensity]
kind = "values"
scales = { intensity = [1, 3] }

[protocols.loso]
folds = "each"

[protocols.loso-votes]
folds = "each"
target = "votes"
"""
VOTES = ["s1_1_0,A", "s1_1_0,A", "s1_1_0,J", "s2_3_0,J", "s2_3_0,S", "s3_2_0,S"]


@pytest.fixture
def folder(tmp_path):
    audio = tmp_path / "audio"
    audio.mkdir()
    for name in ("s1_1_0", "s2_3_0", "s3_2_0", "s4_2_0"):
        (audio / f"{name}.wav").write_bytes(b"")
    (audio / "votes.csv").write_text("\n".join(["clip,vote", *VOTES]))
    return audio


def loaded(folder, content=CARD):
    card = folder.parent / "mine.toml"
    card.write_text(content)
    return corpus_from_card(card, folder)


def test_votes_are_counted_over_rows_and_agree_on_a_label_by_the_cards_rule(folder):
    corpus = loaded(folder)
    a, b, c, d = corpus.load()
    assert a.votes == {"anger": 2, "joy": 1, "sadness": 0}
    assert [one.label for one in (a, b, c, d)] == ["anger", None, "sadness", None]
    assert (a.labels, b.labels, d.labels) == ({"anger"}, {"joy", "sadness"}, None)
    assert [one.values["intensity"] for one in (a, b, c, d)] == [1, 3, 2, 2]
    kinds = {name: corpus.target(rule).kind for name, rule in corpus.protocols.items()}
    assert kinds == {"loso": "label", "loso-votes": "votes"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "votes"\n', 'kind = "vote"\n', "targets.votes.kind"),
        ('codes = { A = "anger", J = "joy", S = "sadness" }', "", "votes need codes"),
        ('consensus = "majority"', 'consensus = "all"', "targets.votes.consensus"),
        ('S = "sadness" }', 'S = "grief" }', "votes may agree on 'grief', which is not among the labels"),
        ("intensity = [1, 3]", "intensity = [3, 1]", "the scale of intensity goes from 3.0 to 1.0"),
        ("intensity = [1, 3]", "loudness = [1, 3]", "no others; has intensity"),
        ('target = "votes"', 'target = "vote"', "a protocol names the target 'vote'; there is 'label', 'votes'"),
    ],
)
def test_a_target_that_makes_no_sense_is_one_line_that_names_the_card(folder, old, new, message):
    assert old in CARD
    with pytest.raises(ConfigError, match=message) as refused:
        loaded(folder, CARD.replace(old, new, 1))
    assert "mine.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_vote_without_a_meaning_is_refused(folder):
    (folder / "votes.csv").write_text("clip,vote\ns1_1_0,X\n")
    with pytest.raises(CorpusError, match="no vote for the code 'X'"):
        loaded(folder).load()


def test_votes_that_a_card_leaves_out_count_for_nothing(folder):
    a, b, c, _ = loaded(
        folder, CARD.replace('S = "sadness" }', 'S = "" }').replace('S = "sadness"\n', 'S = ""\n')
    ).load()
    assert a.votes == {"anger": 2, "joy": 1}
    assert (b.votes, b.labels) == ({"anger": 0, "joy": 1}, {"joy"})
    assert (c.votes, c.labels) == (None, None), "nobody voted for what counts"
