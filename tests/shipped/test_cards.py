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
from emonet_bench.data.partitions import assign
from emonet_bench.types import Utterance

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
    matched = read_names(card, list(card.examples), "")
    for (name, expected), groups in zip(card.examples.items(), matched, strict=True):
        rows = Rows()
        lines = [expected.row] if isinstance(expected.row, str) else expected.row or ()
        for table in card.tables:
            for row in filter(None, read_rows(table, lines, "", attributes_of(card.targets))):
                rows.add(*row)
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


EMO_SUPERB = {
    "crema-d": {1: ("1001-1018", "1019-1036"), 2: ("1019-1036", "1037-1054"), 5: ("1073-1091", "1001-1018")},
    "msp-improv": {1: ("04", "03"), 3: ("02", "01"), 5: ("06", "05"), 6: ("05", "04")},
    "iemocap": {1: ("Ses04", "Ses05"), 5: ("Ses05", "Ses01")},
}
"""Who tests and who selects, as some of its partitions say."""


@pytest.mark.parametrize(("name", "partition"), [(name, k) for name, known in EMO_SUPERB.items() for k in known])
def test_the_partitions_of_emo_superb_are_folds(name, partition):
    corpus = corpus_from_card(Path(emonet_corpora.__file__).parent / "cards" / f"{name}.toml", None)
    of = {"iemocap": [f"Ses0{k}" for k in range(1, 6)], "msp-improv": [f"0{k}" for k in range(1, 7)]}
    groups = of.get(name, [str(speaker) for speaker in range(1001, 1092)])
    test, dev = map(spelt_out, EMO_SUPERB[name][partition])
    for kind in ("votes", "heard"):
        protocol = f"sessions-{kind}" if name == "iemocap" else f"emo-superb{'-heard' if kind == 'heard' else ''}"
        rule = corpus.protocols[protocol]
        clips = [Utterance(group, Path(), None, **{rule.by: group}) for group in groups]
        fold = groups.index(test[0]) if name == "iemocap" else partition - 1
        assigned = assign(clips, rule, fold)
        assert [clip.name for clip, part in zip(clips, assigned, strict=True) if part == "test"] == test
        assert [clip.name for clip, part in zip(clips, assigned, strict=True) if part == "dev"] == dev
        assert corpus.target(rule).kind == {"votes": "votes", "heard": "label-set"}[kind]


def spelt_out(groups):
    first, _, last = groups.partition("-")
    return [str(number) for number in range(int(first), int(last) + 1)] if last else [first]


def test_fold_1_of_emo_superb_is_its_first_partition_as_it_was():
    corpus = corpus_from_card(Path(emonet_corpora.__file__).parent / "cards" / "crema-d.toml", None)
    clips = [Utterance(str(speaker), Path(), None, speaker=str(speaker)) for speaker in range(1001, 1092)]
    assert assign(clips, corpus.protocols["emo-superb"], 0) == assign(clips, corpus.protocols["emo-superb-1"], None)


def test_other_partitions_of_msp_podcast_are_no_part_of_it(tmp_path):
    (tmp_path / "Labels").mkdir()
    (tmp_path / "Audios").mkdir()
    names = {"0001_0008": "Train", "0002_0001": "Development", "0003_0001": "Test1", "0004_0001": "Test2"}
    consensus = ["FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"]
    detailed = ["FileName,Workers,EmoClass_Major,EmoClass_Second,EmoAct,EmoVal,EmoDom"]
    for name, part in names.items():
        consensus.append(f"MSP-PODCAST_{name}.wav,N,4.2,4.0,4.6,127,Male,{part}")
        detailed += [
            f"MSP-PODCAST_{name}.wav,WORKER{k},{vote},{vote},4,4,4" for k, vote in enumerate(("Sad", "Neutral"))
        ]
        (tmp_path / "Audios" / f"MSP-PODCAST_{name}.wav").touch()
    (tmp_path / "Labels" / "labels_consensus.csv").write_text("\n".join(consensus))
    (tmp_path / "Labels" / "labels_detailed.csv").write_text("\n".join(detailed))
    corpus = corpus_from_card(Path(emonet_corpora.__file__).parent / "cards" / "msp-podcast.toml", tmp_path)
    clips = corpus.load()
    assert [clip.partition for clip in clips] == ["train", "dev", "test"]
    assert {clip.labels for clip in clips} == {frozenset({"neutral", "sadness"})}
    assert len(clips.unmatched_files) == 1
