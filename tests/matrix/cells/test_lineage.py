"""Lineage: what a source heard of a cell's test clips is counted by audio, however far back it was heard."""

import numpy as np
import pytest
import soundfile
import torch

from emonet_bench.matrix.cells.heard import Hearing
from emonet_bench.matrix.cells.lineage import lineage, shared_clips
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.spec import Cell, RunSpec
from emonet_bench.types import Corpus, SplitRule, Utterance
from tests.written import finished, identity

FOLDS = 4
CLIPS = 24
TESTED = CLIPS // FOLDS


def corpus(folder, name, seed):
    """Two clips of each speaker, folds by speaker; the same seed gives the same audio."""
    clips = []
    for number in range(CLIPS):
        file = folder / f"{name}{number}.wav"
        soundfile.write(file, 0.1 * np.random.default_rng([seed, number]).standard_normal(800), 16_000)
        clips.append(Utterance(f"{name}{number}", file, ("high", "low")[number % 2], f"{name}-s{number // 2}"))
    return Corpus(name, ("high", "low"), lambda: clips, {"folds": SplitRule(folds=FOLDS)})


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    folder, loaded = tmp_path_factory.mktemp("audio"), Plugins()
    loaded.add_corpora([corpus(folder, "one", 1), corpus(folder, "other", 2), corpus(folder, "copy", 1)])
    return loaded


def spec(*corpora, fold=0, **values):
    return RunSpec(
        corpus="+".join(corpora),
        protocol="+".join("folds" for _ in corpora),
        architecture="cnn",
        architecture_options={},
        strategy="scratch",
        strategy_options={},
        training={"device": "cpu", "precision": "float32"},
        seed=0,
        fold=fold,
        **values,
    )


@pytest.fixture
def wrote(tmp_path):
    """Write the record of a run, as it lies in a results directory."""

    def write(name, run, files=None):
        directory = tmp_path / f"{name}-{identity(name)[:8]}"
        directory.mkdir()
        record = finished(Cell(run, identity(name)), files=files or {})
        RunFiles(directory).write_record(record)
        return directory

    return write


def counted(plugins, run, source):
    hearing = Hearing(run, plugins, torch.device("cpu"))
    return shared_clips(hearing, hearing.open(), source)


def test_a_source_of_the_same_fold_or_of_other_audio_has_heard_nothing_that_is_tested(plugins, wrote):
    assert counted(plugins, spec("one"), None) == {}
    assert counted(plugins, spec("one"), wrote("same", spec("one"))) == {}
    assert counted(plugins, spec("one"), wrote("else", spec("other"))) == {}


@pytest.mark.parametrize("checkpoint", ["", "model.safetensors"])
def test_a_source_of_another_fold_has_heard_what_is_tested(plugins, wrote, checkpoint):
    source = wrote("fold", spec("one", fold=1)) / checkpoint
    assert counted(plugins, spec("one"), source) == {"one": TESTED}


def numbers(plugins, name, fold, parts):
    opened = Hearing(spec(name), plugins, torch.device("cpu")).open()[name]
    divided = opened.divide(fold, None)
    return {opened.utterances[place].name.removeprefix(name) for part in parts for place in divided[part]}


@pytest.mark.parametrize("fold", range(FOLDS))
def test_audio_is_known_under_another_name(plugins, wrote, fold):
    shared = numbers(plugins, "one", 0, ["test"]) & numbers(plugins, "copy", fold, ["train", "dev"])
    expected = {"one": len(shared)} if shared else {}
    assert counted(plugins, spec("one"), wrote("copied", spec("copy", fold=fold))) == expected


def test_what_the_source_of_a_source_heard_counts(plugins, wrote):
    wrote("first", spec("one", fold=1))
    assert counted(plugins, spec("one"), wrote("second", spec("other", source=identity("first")))) == {"one": TESTED}


def test_a_source_that_is_known_by_the_hash_of_its_weights_is_found_beside_the_run(wrote):
    wrote("first", spec("copy"), {"model.safetensors": "ab" * 32})
    source = wrote("second", spec("other", source="ab" * 32))
    assert [one.corpus for one in lineage(source)] == ["other", "copy"]


def test_a_joint_network_that_hears_a_copy_in_another_fold_is_told(plugins):
    """The copies are divided by speakers of other names, so that some of what one tests the other trains on."""
    found = counted(plugins, spec("one", "copy"), None)
    assert found.keys() <= {"one", "copy"}
    assert sum(found.values()) > 0


def test_what_is_not_at_hand_cannot_be_asked(plugins, wrote, tmp_path):
    assert counted(plugins, spec("one"), wrote("gone", spec("gone", source="0" * 16))) == {}
    assert counted(plugins, spec("one"), wrote("strange", spec("one", fold=FOLDS + 3))) == {}
    assert counted(plugins, spec("one"), tmp_path / "weights.h5") == {}


def test_records_that_name_each_other_come_to_an_end(wrote):
    wrote("a", spec("one", source=identity("b")))
    assert len(list(lineage(wrote("b", spec("one", source=identity("a")))))) == 2
