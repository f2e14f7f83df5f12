"""Losses and optimisers are names in a matrix file: looked up, with options that may be axes, and part of the run id."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from emonet_bench.config import Options, Training, option, parse
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.file import Matrix, variants
from emonet_bench.matrix.planning.methods import (
    check_loss,
    check_selection,
    method_origins,
    selection_of,
    set_options,
    source_recipes,
    with_options,
)
from emonet_bench.matrix.planning.names import check_names
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin
from emonet_bench.types import Augmentation, Loss, Target


class Margin(Options):
    margin: float = option(0.5, "Margin.")
    scale: float = option(30.0, "Scale.")


@pytest.fixture
def plugins():
    loaded = Plugins(Selection(strict=True))
    loaded.losses.add("ldam", Loss("ldam", Margin, print), Origin("mine", "2.0", "mine"))
    return loaded


def matrix(**values):
    return parse(Matrix, {"corpora": ["synthetic-acted"], "architectures": ["cnn"], **values}, "m.toml")


def recipes(plugins, training=None, **values):
    return with_options(training or Training(), matrix(**values), plugins)


def test_options_that_are_all_defaults_stand_in_no_recipe(plugins):
    assert recipes(plugins, loss={"crossentropy": {}}, optimizer={"adamw": {"eps": 1e-8}}) == [Training()]
    assert "loss_options" not in Training().model_dump()
    assert recipes(plugins, Training(loss="ldam")) == [Training(loss="ldam")]


def test_options_that_are_given_are_kept_whole(plugins):
    (recipe,) = recipes(plugins, Training(loss="ldam"), loss={"ldam": {"margin": 0.3}, "focal": {"gamma": 1}})
    assert recipe.loss_options == {"margin": 0.3, "scale": 30.0}
    assert recipe.optimizer_options == {}


def test_lists_in_tables_of_options_are_axes(plugins):
    found = recipes(
        plugins,
        Training(loss="focal", optimizer="sgd"),
        loss={"focal": {"gamma": [0, 1, 2]}, "ldam": {"margin": [0.1, 0.2]}},
        optimizer={"sgd": {"momentum": [0.0, 0.9]}},
    )
    assert [recipe.loss_options.get("gamma", 2.0) for recipe in found] == [0, 0, 1, 1, 2, 2]
    assert [recipe.optimizer_options for recipe in found] == [{"momentum": 0.0}, {}] * 3


def test_augmentations_are_a_list_in_order_and_lists_of_them_an_axis(plugins):
    assert recipes(plugins, augmentation={"noise": {"snr": 3}}) == [Training()], "a table counts only where it is used"
    found = recipes(plugins, Training(augment=("mixup", "noise")), augmentation={"mixup": {"alpha": [0.2, 1]}})
    assert [recipe.augmentation_options for recipe in found] == [{}, {"mixup": {"alpha": 1.0}}]
    assert [recipe.augment for recipe in found] == [["mixup", "noise"]] * 2
    values = {"augment": [[], ["noise"], ["noise", "gain"]]}
    assert [one.augment for one in variants(Training, values, "training")] == [[], ["noise"], ["noise", "gain"]]


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (("noise", "noise"), "training.augment: .* names one twice"),
        (("mixup", "cutmix"), "training.augment: mixup and cutmix both change whole batches; choose one"),
        (("nois",), "training.augment: unknown augmentation 'nois'; did you mean 'noise'"),
    ],
)
def test_augmentations_that_do_not_go_together_are_refused(plugins, augment, message):
    plugins.augmentations.add("cutmix", Augmentation("cutmix", Options, print, "batch"), Origin("mine", "2.0", "mine"))
    with pytest.raises(ConfigError, match=message):
        recipes(plugins, Training(augment=augment))


def test_a_source_keeps_the_options_of_its_cell_unless_it_has_another_loss(plugins):
    tables = {"loss": {"ldam": {"margin": [0.1, 0.2]}, "focal": {"gamma": 1}}}
    cell = Training(loss="ldam", loss_options={"margin": 0.2, "scale": 30.0})
    assert source_recipes(cell, matrix(**tables), plugins) == [cell]
    (source,) = source_recipes(cell, matrix(**tables, source_training={"loss": "focal", "epochs": 3}), plugins)
    assert (source.loss, source.loss_options, source.epochs) == ("focal", {"gamma": 1.0, "alpha": 0.25}, 3)


def test_the_code_of_a_plugins_loss_is_part_of_the_identity_and_the_hosts_own_is_not(plugins):
    assert list(method_origins(Training(), plugins)) == []
    assert [str(origin) for origin in method_origins(Training(loss="ldam"), plugins)] == ["mine (mine)"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"loss": {"fokal": {}}}, "loss: unknown loss 'fokal'; did you mean 'focal'?"),
        ({"loss": {"focal": {"gama": 1}}}, "loss.focal.gama: unknown option; did you mean 'gamma'?"),
        ({"optimizer": {"sgd": {"momentum": 1}}}, "optimizer.sgd.momentum: input should be less than 1; got 1"),
        ({"loss": {"focal": {"gamma": []}}}, "loss.focal.gamma: an empty list; give at least one value"),
        ({"training": {"loss_options": {}}}, r"training.loss_options: write them in a table \[loss.NAME\]"),
        ({"training": {"cnn": {"optimizer_options": {}}}}, r"write them in a table \[optimizer.NAME\]"),
        ({"source_training": {"loss_options": {}}}, "source_training.loss_options: write them"),
    ],
)
def test_what_is_wrong_with_a_table_of_options_is_one_line(plugins, values, message):
    with pytest.raises(ConfigError, match=message):
        check_names(matrix(**values), plugins)


@pytest.mark.parametrize(("kind", "near"), [("loss", "focal"), ("optimizer", "adamw")])
def test_an_unknown_name_is_told_with_its_nearest(plugins, kind, near):
    with pytest.raises(ConfigError, match=f"training.{kind}: unknown {kind} '{near}x'; did you mean '{near}'"):
        recipes(plugins, Training(**{kind: f"{near}x"}))


def test_required_options_are_always_kept():
    class Required(Options):
        width: int = option(..., "Width.")

    assert set_options(Required(width=3)) == {"width": 3}


def test_the_metric_that_selects_is_looked_up_and_held_to_the_target(plugins):
    labels = Target("label", "label", ("joy", "fear"))
    assert selection_of(Training(), plugins) is None
    assert str(selection_of(Training(selection="macro_f1:joy"), plugins)) == "macro_f1:joy"
    check_selection(Training(selection="macro_f1:joy"), labels, "emo", plugins)
    with pytest.raises(ConfigError, match=r"training\.selection: unknown metric 'uer'; did you mean 'uar'"):
        selection_of(Training(selection="uer"), plugins)
    message = r"training\.selection: emo: ccc is a metric of values, not of single labels; metrics that fit: accuracy, ece, kappa"
    with pytest.raises(ConfigError, match=message):
        check_selection(Training(selection="ccc"), labels, "emo", plugins)
    with pytest.raises(ConfigError, match="there is no 'joi'; did you mean 'joy'"):
        check_selection(Training(selection="uar:joi"), labels, "emo", plugins)


def test_a_run_that_names_no_selection_has_the_id_of_before(plugins):
    assert "selection" not in Training().model_dump()
    assert Training(selection="none") == Training()
    plugins.metrics.add("mine", replace(plugins.metrics["uar"], name="mine"), Origin("other", "3.0", "other"))
    assert [origin.name for origin in method_origins(Training(selection="mine"), plugins)] == ["other"]
    assert list(method_origins(Training(selection="kappa"), plugins)) == []


def test_a_loss_may_refuse_options_that_do_not_fit_a_target_before_anything_is_trained(plugins):
    target = Target("affect", "values", ("arousal", "valence"), ((1, 5), (1, 5)))
    corpus = SimpleNamespace(target=target, corpus=SimpleNamespace(name="emo"), check_loss=lambda _, __: None)
    recipe = Training(loss="ccc", loss_options={"weights": {"arousal": 2}})
    check_loss(recipe, corpus, plugins)
    wrong = recipe.model_copy(update={"loss_options": {"weights": {"arousel": 2}}})
    with pytest.raises(ConfigError, match=r"^loss.ccc.weights: there is no attribute 'arousel'.*'affect' of emo\)$"):
        check_loss(wrong, corpus, plugins)
