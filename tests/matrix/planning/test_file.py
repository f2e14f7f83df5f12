"""The matrix file: what it may say, its defaults, and its axes."""

import pytest
from pydantic import field_validator

from emonet_bench.config import Options, Training, option, parse
from emonet_bench.data.corpus_entry import CorpusEntry
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.file import ALL_OTHERS, Matrix, variants

LEAST = {"corpora": ["a"], "architectures": ["net"]}


def test_corpora_are_named_in_a_list_or_described_in_a_table():
    assert Matrix(**LEAST).entries == {"a": CorpusEntry()}
    described = Matrix(**LEAST | {"corpora": {"a": {"protocol": "loso"}, "b": {}}})
    assert described.entries == {"a": CorpusEntry(protocol="loso"), "b": CorpusEntry()}


def test_the_least_matrix_trains_from_scratch_with_one_seed():
    least = Matrix(**LEAST)
    assert (least.strategies, least.seeds, least.source) == (["scratch"], [0], ALL_OTHERS)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "one"])
def test_a_seed_that_some_library_would_refuse_is_refused_at_once(seed):
    with pytest.raises(ConfigError, match=r"^m\.toml\.seeds\.1: ") as caught:
        parse(Matrix, {**LEAST, "seeds": [0, seed]}, "m.toml")
    assert "\n" not in str(caught.value)


def test_a_table_of_an_architecture_or_a_strategy_says_what_differs_and_the_strategy_has_the_last_word():
    training = {"epochs": 1, "window": 2.0, "net": {"epochs": 2, "loss": "focal"}, "finetune": {"epochs": 3}}
    matrix = Matrix(**LEAST, training=training)
    assert matrix.recipe("other", "scratch") == {"epochs": 1, "window": 2.0}
    assert matrix.recipe("net", "scratch") == {"epochs": 2, "window": 2.0, "loss": "focal"}
    assert matrix.recipe("net", "finetune") == {"epochs": 3, "window": 2.0, "loss": "focal"}


@pytest.mark.parametrize("name", ["net", "scratch"])
def test_a_value_where_a_table_of_an_architecture_or_a_strategy_belongs_is_an_unknown_option(name):
    matrix = Matrix(**LEAST, training={"epochs": 1, name: 5})
    assert matrix.recipe("net", "scratch") == {"epochs": 1, name: 5}
    with pytest.raises(ConfigError, match=rf"^training\.{name}: unknown option"):
        list(variants(Training, matrix.recipe("net", "scratch"), "training"))


class Net(Options):
    width: int = option(8, "Width.")
    dropouts: tuple[float, ...] = option((0.0,), "A list by nature.")


def test_lists_where_single_values_stand_are_axes_and_their_product_is_yielded():
    found = list(variants(Net, {"width": [1, 2, 3], "dropouts": [[0.1], [0.2, 0.3]]}, "options.net"))
    assert [(one.width, one.dropouts) for one in found] == [(w, d) for w in (1, 2, 3) for d in ((0.1,), (0.2, 0.3))]
    assert list(variants(Net, {"dropouts": [0.1, 0.2]}, "options.net")) == [Net(dropouts=(0.1, 0.2))]
    assert list(variants(Net, {}, "options.net")) == [Net()]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": []}, r"^options\.net\.width: an empty list; give at least one value, or leave it out$"),
        ({"width": [1, "wide"]}, r"^options\.net\.width: .*got 'wide'$"),
        ({"widht": 1}, r"^options\.net\.widht: unknown option; did you mean 'width'\?$"),
    ],
)
def test_a_mistake_in_an_axis_is_one_line_that_names_it(values, message):
    with pytest.raises(ConfigError, match=message):
        list(variants(Net, values, "options.net"))


def test_an_unknown_name_is_told_before_a_default_is_looked_up():
    class Found(Options):
        weights: str | None = option(None, "Found on a hub.", validate_default=True)

        @field_validator("weights")
        @classmethod
        def _look(cls, weights):
            raise ConfigError("the hub is out of reach")

    with pytest.raises(ConfigError, match=r"^options\.net\.weihgts: unknown option; did you mean 'weights'\?$"):
        list(variants(Found, {"weihgts": "x"}, "options.net"))


def test_an_option_of_the_training_beside_its_table_is_told_where_it_belongs():
    with pytest.raises(
        ConfigError, match=r"^m\.toml: epochs: is an option of the training; write it below \[training\]$"
    ):
        parse(Matrix, LEAST | {"epochs": 3}, "m.toml")
