from dataclasses import replace

import numpy as np
import pytest
import soundfile

from emonet_bench import audit
from emonet_bench.data.coverage import Coverage
from emonet_bench.data.opened_corpus import open_corpus
from emonet_bench.data.tables import read_directory
from emonet_bench.errors import AudioError, CorpusError
from emonet_bench.types import Corpus, LazyAudio, SplitRule, Utterance

RATE = 16_000


@pytest.fixture
def folder(tmp_path):
    """Twelve clips of two labels in three partitions; the speaker of the first is unknown."""
    draw = np.random.default_rng(0)
    rows = ["file,label,speaker,partition"]
    for n in range(12):
        soundfile.write(tmp_path / f"{n}.wav", draw.integers(-9000, 9000, 400 + n, dtype=np.int16), RATE)
        rows.append(f"{n}.wav,{'ab'[n % 2]},{'s' + str(n // 4) if n else ''},{('train', 'dev', 'test')[n // 4]}")
    (tmp_path / "utterances.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path


def opened(folder, **options):
    return open_corpus(read_directory("mine", folder, folder), None, RATE, folder / "cache", **options)


def test_partitions_hold_the_clips_that_the_protocol_gives_them(folder):
    corpus = opened(folder)
    divided = corpus.divide(None)
    assert divided == {"train": [0, 1, 2, 3], "dev": [4, 5, 6, 7], "test": [8, 9, 10, 11]}
    assert corpus.divide(None, limit=2) == {"train": [0, 1], "dev": [4, 5], "test": [8, 9]}
    clips = corpus.clips(divided["dev"])
    assert clips.names == ("4.wav", "5.wav", "6.wav", "7.wav")
    assert clips.targets.tolist() == [0, 1, 0, 1]
    for place, name in enumerate(clips.names):
        expected, _ = soundfile.read(folder / name, dtype="int16")
        start, length = int(clips.starts[place]), int(clips.lengths[place])
        np.testing.assert_array_equal(clips.samples[start : start + length].numpy(), expected)
    assert corpus.statistics(divided["dev"]) == {"clips": 4, "speakers": 1, "labels": {"a": 2, "b": 2}}


def test_how_much_was_found_is_known_whatever_is_left_out_later(folder):
    (folder / "7.wav").write_bytes(b"broken")
    with pytest.raises(AudioError):
        opened(folder)
    corpus = opened(folder, skip_bad=True)
    assert corpus.coverage == Coverage(12, expected=12, speakers_unknown=1)
    assert (corpus.skipped_files, len(corpus.utterances)) == (1, 11)


def test_a_label_that_is_not_declared_is_an_error(folder):
    utterances = [Utterance(f"{n}.wav", folder / f"{n}.wav", "abc"[n % 3]) for n in range(3)]
    corpus = Corpus("mine", ("a", "b"), lambda: utterances, {"own": SplitRule()})
    with pytest.raises(CorpusError, match=r"corpus mine: 2\.wav has the label 'c', which is not declared"):
        open_corpus(corpus, None, RATE, folder / "cache")


def test_a_protocol_that_does_not_fit_names_its_corpus(folder):
    corpus = opened(folder)
    corpus = replace(corpus, corpus=replace(corpus.corpus, protocols={"own": SplitRule(folds="each")}))
    named = r"^corpus mine, protocol own: 0.wav: the protocol divides the corpus by speaker"
    for ask in (lambda: corpus.folds, lambda: corpus.divide(0), corpus.protocol_id):
        with pytest.raises(CorpusError, match=named):
            ask()


def test_files_that_were_left_out_are_no_clean_audit(folder):
    (folder / "3.wav").write_bytes(b"")
    found = [finding for finding in audit.quick(opened(folder, skip_bad=True)) if finding.check == "bad files"]
    assert [(finding.level, finding.message) for finding in found] == [("warning", "1 file cannot be used")]


def of_functions(names, identities):
    """A corpus whose clips differ only in what a function gives for them."""

    def load():
        return [
            Utterance(name, LazyAudio(identity, lambda n=n: (np.full(400, 0.1 * n), RATE)), "ab"[n % 2])
            for n, (name, identity) in enumerate(zip(names, identities, strict=True), start=1)
        ]

    return Corpus("made", ("a", "b"), load, {"own": SplitRule()})


@pytest.mark.parametrize(
    ("names", "identities", "said"),
    [
        ("xyx", "123", "corpus made: 2 utterances are called 'x'; name each its own"),
        ("xyz", "121", "corpus made: x and z have the LazyAudio identity '1', so one would be heard for both"),
    ],
)
def test_clips_that_could_be_taken_for_one_another_are_refused(tmp_path, names, identities, said):
    with pytest.raises(CorpusError, match=said):
        open_corpus(of_functions(names, identities), None, RATE, tmp_path)


def test_parts_of_one_function_s_audio_are_apart(tmp_path):
    whole = LazyAudio("long", lambda: (np.linspace(-0.5, 0.5, 800), RATE))
    parts = [Utterance(str(n), whole, "ab"[n], start=n / 40, end=(n + 1) / 40) for n in range(2)]
    corpus = Corpus("made", ("a", "b"), lambda: parts, {"own": SplitRule()})
    assert open_corpus(corpus, None, RATE, tmp_path).clips([0, 1]).lengths.tolist() == [400, 400]
