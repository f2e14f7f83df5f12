"""Challenges of a card: hidden clips are found by their names."""

import pytest

from emonet_bench.data.cards import corpus_at
from emonet_bench.errors import ConfigError, CorpusError
from tests.data.cards.mine import CARD

CHALLENGE = """
[challenges.mine]
title = "The challenge"
clips = 'hidden_\\d+'
columns = { Name = "file", Class = "label" }
metric = "macro_f1"
"""


def challenge_of(folder, text=CARD + CHALLENGE):
    (folder / "card.toml").write_text(text, encoding="utf-8")
    return corpus_at("mine", folder).challenges["mine"]


def test_hidden_clips_are_found_at_any_depth_and_told_no_label(folder):
    (folder / "deep").mkdir()
    for name in ("hidden_2.wav", "deep/hidden_1.flac", "hidden_x.wav", "hidden_3.txt"):
        (folder / name).touch()
    challenge = challenge_of(folder)
    assert [(clip.name, clip.file.name, clip.label) for clip in challenge.load()] == [
        ("hidden_1", "hidden_1.flac", None),
        ("hidden_2", "hidden_2.wav", None),
    ]
    assert challenge.codes == {"neutral": "n", "anger": "a", "": "x"}
    assert (challenge.title, challenge.metric, challenge.target) == ("The challenge", "macro_f1", "label")


def test_no_hidden_clip_and_two_of_one_name_are_one_line(folder):
    challenge = challenge_of(folder)
    with pytest.raises(
        CorpusError, match=r"corpus mine: The challenge: no file under .* has a name of its hidden clips"
    ):
        challenge.load()
    (folder / "a").mkdir()
    for name in ("hidden_2.wav", "a/hidden_2.wav"):
        (folder / name).touch()
    with pytest.raises(CorpusError, match="are both hidden_2; remove one"):
        challenge.load()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("hidden_\\d+", "hidden_(", "challenges.mine.clips: not a regular expression"),
        ('"label" }', '"arousal" }', "challenge mine: a column holds 'arousal'; known: anger, file, label, neutral"),
        ('metric = "macro_f1"', 'target = "mood"', "names the target 'mood'"),
    ],
)
def test_a_mistake_in_the_card_is_one_line(folder, old, new, message):
    with pytest.raises(ConfigError, match=message):
        challenge_of(folder, CARD + CHALLENGE.replace(old, new))
