"""A task: its options come from the recipe, the command line and the source, and what cannot go together is refused."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from emonet_bench.config import Options, Training, option
from emonet_bench.errors import ConfigError, Skipped
from emonet_bench.matrix.task import Task, plan_task
from emonet_bench.networks import build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin
from emonet_bench.training import checkpoints
from emonet_bench.training.checkpoints import Checkpoint
from emonet_bench.types import Architecture, Corpus, ParameterGroup, Plan, SplitRule, Strategy, TrainingSet, Utterance
from tests.toys import Toy


class Net(Options):
    width: int = option(8, "Width.")
    depth: int = option(2, "Depth.")


class Tuning(Options):
    rank: int = option(4, "Rank.")


def prepare(network, corpora, source, options):
    if options.rank > 100:
        raise Skipped("source: no rank is as high")
    made = build_classifier(network, corpora)
    return Plan(made, [ParameterGroup(list(made.parameters()))])


NET = Architecture("net", "cnn", Net, lambda options, input_spec: Toy())
TUNE = Strategy("tune", Tuning, prepare, source_strategies=("tune",))
PLAIN = Strategy("plain", Tuning, prepare)
RECIPE = {"epochs": 2, "window": None, "batch_size": 4, "device": "cpu", "precision": "float32"}


def unread():
    pytest.fail("audio was looked for before the options were held against each other")


UNREAD = Corpus("tones", ("a", "b"), unread, {"own": SplitRule()}, clips=6)


def task(strategy=PLAIN, corpora=(UNREAD,), source=None, recipe=RECIPE, **given):
    owners = {"training": Training, NET.name: Net, strategy.name: Tuning}
    split = {
        owner: {name: value for name, value in given.items() if name in model.model_fields}
        for owner, model in owners.items()
    }
    return Task(NET, strategy, corpora, recipe, split, source, seed=3, threads=1)


@pytest.fixture
def plugins():
    loaded = Plugins(Selection(names=("builtins",)))
    loaded.architectures.add("net", NET, Origin("toy", "1.0", "toys"))
    for strategy in (PLAIN, TUNE):
        loaded.strategies.add(strategy.name, strategy, Origin("toy", "1.0", "toys"))
    return loaded


@pytest.fixture
def corpus(tmp_path):
    utterances = []
    for number, (part, label) in enumerate(itertools.product(("train", "dev", "test"), "ab")):
        file = tmp_path / f"{part}_{label}.wav"
        soundfile.write(file, np.random.default_rng(number).normal(0, 0.1, 4_000), 16_000)
        utterances.append(Utterance(file.name, file, label, f"s-{part}", partition=part))
    return Corpus("tones", ("a", "b"), lambda: utterances, {"own": SplitRule()}, clips=6)


def saved(path, architecture="net", **options):
    made = build_classifier(Toy(), [TrainingSet("old", ("a", "b"), 6)])
    header = {
        "architecture": architecture,
        "architecture_options": options,
        "strategy": "tune",
        "strategy_options": {"rank": 4},
        "signal": {"sampling_rate": 16_000},
        "corpora": {"old": ["a", "b"]},
    }
    checkpoints.save(made, path, header)
    return path


def test_what_is_given_comes_before_the_recipe_and_options_of_others_stay_out_of_the_training():
    training = task(epochs=7, width=3, rank=9).training()
    assert training == {**RECIPE, "epochs": 7, "evaluation": "whole"}


def test_with_a_window_evaluation_hears_the_centre_unless_the_recipe_says_otherwise():
    assert task(window=2.0).training()["evaluation"] == "centre"
    assert task(window=2.0, recipe={**RECIPE, "evaluation": "windows"}).training()["evaluation"] == "windows"


def test_options_of_the_architecture_are_its_sources_where_none_are_given():
    source = Checkpoint({}, {"architecture_options": {"width": 5, "depth": 6, "gone": 1}})
    assert task(depth=3, rank=9).options(source) == {"net": {"width": 5, "depth": 3}, "plain": {"rank": 9}}
    assert task().options(None) == {"net": {}, "plain": {}}


def test_a_task_is_planned_as_one_cell(plugins, corpus):
    planned = plan_task(task(corpora=(corpus,), width=5), plugins)
    (cell,) = planned.cells
    assert cell.spec.title == "tones net plain s3"
    assert (cell.spec.architecture_options, cell.spec.training.epochs) == ({"width": 5, "depth": 2}, 2)
    assert planned.plugins.user_corpora == (corpus,)


def test_a_source_is_known_by_its_content_and_lends_its_options(plugins, corpus, tmp_path):
    torch.manual_seed(0)
    source = saved(tmp_path / "model.safetensors", width=5)
    (cell,) = plan_task(task(TUNE, (corpus,), source), plugins).cells
    assert (len(cell.spec.source), cell.source_file) == (64, source)
    assert cell.spec.architecture_options == {"width": 5, "depth": 2}


def test_a_source_of_another_architecture_is_refused_before_audio_is_read(plugins, tmp_path):
    source = saved(tmp_path / "model.safetensors", architecture="other")
    with pytest.raises(ConfigError, match=r"^source .*model\.safetensors: it is a other, not a net$"):
        plan_task(task(TUNE, source=source), plugins)


def test_what_the_strategy_refuses_is_told_before_audio_is_read_with_its_name_or_the_sources(plugins, tmp_path):
    with pytest.raises(ConfigError, match=r"^plain: no rank is as high$"):
        plan_task(task(rank=101), plugins)
    source = saved(tmp_path / "model.safetensors")
    with pytest.raises(ConfigError, match=r"^source .*model\.safetensors: no rank is as high$"):
        plan_task(task(TUNE, source=source, rank=101), plugins)


@pytest.mark.parametrize(
    ("given", "words"), [({"epochs": 0}, r"training\.epochs: "), ({"width": "wide"}, r"net\.width: ")]
)
def test_a_wrong_option_is_one_line_before_audio_is_read(plugins, given, words):
    with pytest.raises(ConfigError, match=words) as caught:
        plan_task(task(**given), plugins)
    assert "\n" not in str(caught.value)


def test_a_source_that_is_not_there_is_named(plugins):
    with pytest.raises(ConfigError, match="absent: not a readable checkpoint"):
        plan_task(task(TUNE, source=Path("absent")), plugins)
