"""Corpora from a database that is published here, to a repository on this disk."""

from __future__ import annotations

import itertools

import audb
import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile

from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.plugins.loading import Plugins, Selection

pytest_plugins = ["emonet_bench.testing"]

SPEAKERS = {"train": ("s1", "s2"), "dev": ("s3",), "test": ("s4",)}
LABELS = ("calm", "tense")
HEADER = 'database = "toys"\nversion = "1.0.0"\nlabels = ["tense", "calm"]\nspeaker = "files.speaker"\n'
OWN = HEADER + "".join(f'tables.{part} = ["emotion.{part}"]\n' for part in SPEAKERS)


@pytest.fixture(scope="module", autouse=True)
def published(tmp_path_factory):
    """Publish a database: a table of files for each partition, one of segments, and one with the speakers."""
    folder = tmp_path_factory.mktemp("audb")
    database = audformat.Database("toys")
    database.schemes["emotion"] = audformat.Scheme(labels=[*LABELS, "other"])
    database.schemes["speaker"] = audformat.Scheme("str")
    rows = []
    for part, speakers in SPEAKERS.items():
        for number, (speaker, label) in enumerate(itertools.product(speakers, [*LABELS, "other"])):
            file = f"audio/{speaker}_{label}.wav"
            path = folder / "build" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.random.default_rng(len(rows) + number).normal(0, 0.1, 16_000), 16_000)
            rows.append((part, file, speaker, label))
    frame = pd.DataFrame(rows, columns=["part", "file", "speaker", "label"])
    add(database, "files", audformat.filewise_index(frame.file), "speaker", frame.speaker)
    for part, chosen in frame.groupby("part"):
        add(database, f"emotion.{part}", audformat.filewise_index(chosen.file), "emotion", chosen.label)
    halves = audformat.segmented_index(
        [*frame.file, *frame.file],
        ["0s"] * len(frame) + ["0.5s"] * len(frame),
        ["0.5s"] * len(frame) + ["1s"] * len(frame),
    )
    add(database, "segments", halves, "emotion", [*frame.label, *frame.label])
    database.save(folder / "build")
    (folder / "repository").mkdir()
    repository = audb.Repository("local", str(folder), "file-system")
    audb.config.REPOSITORIES = [repository]
    audb.config.CACHE_ROOT = str(folder / "cache")
    audb.config.SHARED_CACHE_ROOT = str(folder / "shared")
    (folder / "local").mkdir()
    audb.publish(str(folder / "build"), "1.0.0", repository, verbose=False)


def add(database, table, index, column, values):
    database[table] = audformat.Table(index)
    database[table][column] = audformat.Column(scheme_id=column)
    database[table][column].set(list(values))


@pytest.fixture
def corpus(tmp_path):
    """Return the corpus that a table of ``audb.toml`` describes."""

    def described(text):
        (tmp_path / "audb.toml").write_text(f"[toy-audb]\n{text}", encoding="utf-8")
        return Plugins(Selection(names=("audb",), corpora_dir=tmp_path, strict=True)).corpora["toy-audb"]

    return described


def test_the_databases_own_tables_are_the_partitions(corpus, check_corpus):
    made = corpus(OWN)
    check_corpus(made)
    assert made.labels == ("tense", "calm")
    utterances = made.load()
    assert len(utterances) == 2 * sum(map(len, SPEAKERS.values())), (
        "rows with a label that is not declared are left out"
    )
    for utterance in utterances:
        assert utterance.speaker in SPEAKERS[utterance.partition]
        assert utterance.name == f"audio/{utterance.speaker}_{utterance.label}.wav"


def test_segments_are_divided_by_speaker(corpus, check_corpus):
    made = corpus(HEADER + 'tables = ["segments"]\n')
    assert list(made.protocols) == ["folds5", "loso"]
    utterances = made.load()
    assert len(utterances) == 4 * sum(map(len, SPEAKERS.values()))
    assert {(utterance.start, utterance.end) for utterance in utterances} == {(0.0, 0.5), (0.5, 1.0)}
    assert "audio/s1_calm.wav#0.5-1.0" in {utterance.name for utterance in utterances}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("1.0.0", "9.0.0"), "audb cannot load toys 9.0.0"),
        (("emotion.dev", "emotion.devel"), "no column 'emotion' in a table 'emotion.devel'"),
        (("files.speaker", "files.age"), "no column 'age' in a table 'files'"),
    ],
)
def test_what_the_database_lacks_is_one_line(corpus, change, reason):
    with pytest.raises(CorpusError, match=f"corpus toy-audb: .*{reason}"):
        corpus(OWN.replace(*change)).load()


def test_tables_that_divide_nothing_are_refused(corpus):
    with pytest.raises(Exception, match="give tables for each of train, dev and test, or a speaker") as caught:
        corpus(HEADER.replace('speaker = "files.speaker"\n', "") + 'tables = ["segments"]\n')
    assert isinstance(caught.value.__cause__, ConfigError)


def test_without_its_file_the_plugin_registers_nothing(tmp_path):
    assert list(Plugins(Selection(names=("audb",), corpora_dir=tmp_path, strict=True)).corpora) == []
