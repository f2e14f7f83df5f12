"""What a cell hears: no clip that any corpus of a matrix tests, or uses as dev, ever teaches."""

import numpy as np
import pytest
import soundfile
import torch

from emonet_bench.matrix.cells.heard import Hearing
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.spec import RunSpec
from emonet_bench.types import Corpus, SplitRule, Utterance

LABELS = ("high", "low")
FOLDS = 4
CLIPS = 24


def corpus(folder, name, shared=()):
    """Two clips of each speaker, folds by speaker; some have the audio of another corpus's clips."""
    clips = []
    for number in range(CLIPS):
        file = folder / f"{name}{number}.wav"
        generator = np.random.default_rng([len(name), sum(name.encode()), number])
        soundfile.write(file, 0.1 * generator.standard_normal(1_600), 16_000)
        clips.append(Utterance(f"{name}{number}", file, LABELS[number % 2], f"{name}-s{number // 2}"))
    for number, other in enumerate(shared):
        clips[number].file.write_bytes((folder / f"{other}.wav").read_bytes())
    return Corpus(name, LABELS, lambda: clips, {"folds": SplitRule(folds=FOLDS)})


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audio")
    loaded = Plugins()
    made = [corpus(folder, "one"), corpus(folder, "two")]
    made.append(corpus(folder, "copies", [f"one{number}" for number in range(0, CLIPS, 2)]))
    loaded.add_corpora(made)
    return loaded


def hearing(plugins, strategy, corpora, others=(), **values):
    spec = RunSpec(
        corpus="+".join(corpora),
        protocol="+".join("folds" for _ in corpora),
        architecture="cnn",
        architecture_options={},
        strategy=strategy,
        strategy_options={},
        training={"device": "cpu", "precision": "float32"},
        seed=0,
        unlabelled=dict.fromkeys(others, "folds") or None,
        **values,
    )
    return Hearing(spec, plugins, torch.device("cpu"))


def audio(clips):
    return {clips.whole(torch.tensor([place])).waveform.numpy().tobytes() for place in range(len(clips))}


def scored(plugins, fold):
    """The audio of every dev and test clip of every corpus in a fold, found without what is tested here."""
    found = set()
    for name in ("one", "two", "copies"):
        opened = hearing(plugins, "scratch", [name]).open()[name]
        divided = opened.divide(fold, None)
        found |= audio(opened.clips([*divided["dev"], *divided["test"]]))
    return found


@pytest.mark.parametrize("trial", [False, True])
@pytest.mark.parametrize("fold", range(FOLDS))
def test_no_clip_that_a_target_scores_is_heard_without_its_label_by_any_student(plugins, fold, trial):
    heard = hearing(plugins, "distill", ["two"], ["one", "copies"], fold=fold, trial=trial)
    own, unlabelled = heard.hear(heard.open())
    assert set(own) == {"two"}
    assert set(unlabelled) == {"one", "copies"}
    for clips in (own["two"]["train"], *unlabelled.values()):
        assert len(clips) > 1
        assert not audio(clips) & scored(plugins, fold)


@pytest.mark.parametrize("fold", range(FOLDS))
def test_a_source_of_all_corpora_hears_no_clip_that_one_of_them_scores(plugins, fold):
    heard = hearing(plugins, "distill", ["one", "two", "copies"], fold=fold)
    own, unlabelled = heard.hear(heard.open())
    assert not unlabelled
    for parts in own.values():
        assert parts["train"].targets.unique().numel() > 1
        assert not audio(parts["train"]) & scored(plugins, fold)
        assert parts["dev"].names, "what is scored stays as it is"


def test_a_copy_of_what_is_scored_would_be_heard_otherwise(plugins):
    """The corpora of these tests can tell: without a teacher nobody looks at audio across corpora."""
    leaks = []
    for fold in range(FOLDS):
        heard = hearing(plugins, "multi-task", ["one", "two", "copies"], fold=fold)
        own, _ = heard.hear(heard.open())
        leaks.append(any(audio(parts["train"]) & scored(plugins, fold) for parts in own.values()))
    assert any(leaks)


def test_a_student_of_one_corpus_hears_its_train_partition(plugins):
    heard = hearing(plugins, "distill", ["one"], fold=1)
    opened = heard.open()
    own, unlabelled = heard.hear(opened)
    expected = [opened["one"].utterances[place].name for place in opened["one"].divide(1, None)["train"]]
    assert list(own["one"]["train"].names) == expected
    assert not unlabelled
    assert set(own["one"]) == {"train", "dev", "test"}
