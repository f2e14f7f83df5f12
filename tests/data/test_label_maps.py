"""Label maps, from the matrix file to the opened corpus and back from a result's spec."""

import numpy as np
import pytest
import soundfile

from emonet_bench.data import label_maps
from emonet_bench.data.corpus_entry import CorpusEntry
from emonet_bench.data.opened_corpus import open_corpus
from emonet_bench.data.tables import read_directory
from emonet_bench.errors import AudioError, ConfigError
from emonet_bench.types import Corpus, SplitRule

MAPS = {"2-class": {"joy": "positive", "anger": "negative", "fear": "negative", "rage": ""}}


@pytest.fixture
def corpus():
    return Corpus(
        "mine", ("anger", "fear", "joy", "rage"), list, {"speakers": SplitRule(), "loso": SplitRule()}, maps=MAPS
    )


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, ("speakers", {})),
        ({"protocol": "loso"}, ("loso", {})),
        ({"labels": "2-class"}, ("speakers", MAPS["2-class"])),
        ({"protocol": "loso", "labels": {"rage": "anger", "fear": False}}, ("loso", {"rage": "anger", "fear": ""})),
        ({"labels": {"rage": "very +angry:, =!", "fear": ""}}, ("speakers", {"rage": "very +angry:, =!", "fear": ""})),
    ],
)
def test_what_a_matrix_file_says_survives_the_way_through_a_spec(corpus, entry, expected):
    name = CorpusEntry.model_validate(entry).division
    assert label_maps.read(corpus, name) == expected
    assert name is None or "+" not in name  # it joins the protocols of several corpora


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("losso", "corpora.mine.protocol: unknown 'losso'; did you mean 'loso'"),
        (":3-class", "corpora.mine.labels: unknown label map '3-class'; did you mean '2-class'"),
        (":angre=x", "corpora.mine.labels: no label 'angre'; did you mean 'anger'"),
    ],
)
def test_an_unknown_name_meets_a_suggestion(corpus, name, words):
    with pytest.raises(ConfigError) as caught:
        label_maps.read(corpus, name)
    assert words in str(caught.value)


def test_labels_keep_their_order_unless_the_map_names_them_all(corpus):
    assert label_maps.relabelled(corpus, {"joy": "anger"}).labels == ("anger", "fear", "rage")
    assert label_maps.relabelled(corpus, MAPS["2-class"]).labels == ("positive", "negative")
    assert label_maps.relabelled(corpus, {}) is corpus


def test_a_map_that_leaves_one_label_is_an_error(corpus):
    with pytest.raises(ConfigError, match="leaves 1 of two"):
        label_maps.relabelled(corpus, dict.fromkeys(corpus.labels, "x"))


@pytest.fixture
def tabled(tmp_path):
    rows = []
    for number, (label, part) in enumerate((lab, part) for part in ("train", "dev", "test") for lab in ("a", "b", "c")):
        soundfile.write(tmp_path / f"{number}.wav", np.random.default_rng(number).normal(0, 0.1, 800), 16_000)
        rows.append(f"{number}.wav,{label},{part}\n")
    (tmp_path / "utterances.csv").write_text(f"file,label,partition\n{''.join(rows)}", encoding="utf-8")
    return read_directory("mine", tmp_path, tmp_path)


def test_a_mapped_corpus_has_other_labels_clips_and_identities(tabled, tmp_path):
    plain = open_corpus(tabled, None, 16_000, tmp_path)
    merged = open_corpus(tabled, ":c=b", 16_000, tmp_path)
    dropped = open_corpus(tabled, ":c=", 16_000, tmp_path)
    assert (plain.protocol, merged.protocol, dropped.protocol) == ("own", "own:c=b", "own:c=")
    assert merged.corpus.labels == dropped.corpus.labels == ("a", "b")
    assert [u.label for u in merged.utterances] == ["a", "b", "b"] * 3
    assert [u.name for u in dropped.utterances] == [f"{n}.wav" for n in (0, 1, 3, 4, 6, 7)]
    assert plain.audio.path == merged.audio.path == dropped.audio.path  # the audio is kept once
    assert len({corpus.protocol_id() for corpus in (plain, merged, dropped)}) == 3
    assert len({corpus.fingerprint for corpus in (plain, merged, dropped)}) == 3
    again = open_corpus(tabled, dropped.protocol, 16_000, tmp_path)  # as a worker does, from the spec
    assert (again.protocol_id(), again.fingerprint) == (dropped.protocol_id(), dropped.fingerprint)


def test_clips_of_a_mapped_corpus_are_the_audio_of_their_names(tabled, tmp_path):
    clips = open_corpus(tabled, ":a=", 16_000, tmp_path).clips(range(6))
    for place, name in enumerate(clips.names):
        expected, _ = soundfile.read(tmp_path / name, dtype="int16")
        start = clips.starts[place]
        np.testing.assert_array_equal(clips.samples[start : start + clips.lengths[place]], expected)


def test_bad_files_may_be_left_out_and_are_counted(tabled, tmp_path):
    (tmp_path / "4.wav").write_bytes(b"")
    with pytest.raises(AudioError, match=r"4\.wav"):
        open_corpus(tabled, None, 16_000, tmp_path)
    opened = open_corpus(tabled, None, 16_000, tmp_path, skip_bad=True)
    assert opened.skipped_files == 1
    assert "4.wav" not in {u.name for u in opened.utterances}
    assert opened.divide(None) == {"train": [0, 1, 2], "dev": [3, 4], "test": [5, 6, 7]}
    assert opened.clips(range(8)).lengths.min() > 0


def other(*names, **arousal):
    return Corpus("other", names, list, {"speakers": SplitRule()}, maps={"arousal": arousal} if arousal else {})


FEELINGS = other("calm", "fury", "glee", "sick", calm="low", fury="high", glee="high", sick="")


@pytest.mark.parametrize(
    ("trained", "target", "expected"),
    [
        (FEELINGS.labels, other("a", "b", a="high", b="low"), {"calm": "low", "fury": "high", "glee": "high", "sick": ""}),
        (("low", "high"), other("a", "b", a="high", b="low"), {"low": "low", "high": "high"}),
        (("calm", "rage"), other("a", "b", a="high", b="low"), None),  # trained under another map
        (FEELINGS.labels, other("a", "b"), None),  # without the map
        (FEELINGS.labels, other("a", "b", "c", a="high", b="low", c="middle"), None),  # can never be given
        (FEELINGS.labels, other("high", "low", "x", x=""), {"calm": "low", "fury": "high", "glee": "high", "sick": ""}),
    ],
)  # fmt: skip
def test_a_network_is_scored_elsewhere_only_through_a_map_that_both_corpora_have(trained, target, expected):
    assert label_maps.map_labels(FEELINGS, trained, target, "arousal") == expected


def test_what_the_other_corpus_lacks_is_dropped():
    source = other("a", "b", "c", a="high", b="low", c="middle")
    assert label_maps.map_labels(source, source.labels, other("x", "y", x="high", y="low"), "arousal") == {"a": "high", "b": "low", "c": ""}  # fmt: skip
