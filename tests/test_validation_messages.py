"""Validation messages name the option, what it would take in any of its forms, and what it was given."""

from typing import Literal

import pytest

from emonet_bench.config import Options, option, parse
from emonet_bench.errors import ConfigError
from emonet_bench.validation_messages import did_you_mean


class Layered(Options):
    """Options that take a word or something else."""

    layer: Literal["mix"] | int = option("mix", "A layer.")
    layers: Literal["all"] | tuple[int, ...] = option("all", "Layers.")
    context: Literal["clip", "full"] | float = option("clip", "A length.")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layer": "last"}, "m.toml.layer: input should be 'mix' or a valid integer; got 'last'"),
        ({"layer": 2.5}, "m.toml.layer: input should be 'mix' or a valid integer; got 2.5"),
        ({"layers": 3}, "m.toml.layers: input should be 'all' or a valid list; got 3"),
        ({"layers": "last"}, "m.toml.layers: input should be 'all' or a valid list; got 'last'; write [\"last\"]"),
        ({"layers": "1, 2"}, "m.toml.layers: input should be 'all' or a valid list; got '1, 2'; write [1, 2]"),
        ({"layers": [1, "x"]}, "m.toml.layers.1: input should be a valid integer"),
        ({"context": "half"}, "m.toml.context: input should be 'clip' or 'full' or a valid number; got 'half'"),
    ],
)
def test_every_form_that_an_option_takes_is_named(values, message):
    with pytest.raises(ConfigError) as caught:
        parse(Layered, values, "m.toml")
    assert str(caught.value).startswith(message)


def test_the_nearest_known_name_is_offered_and_all_where_none_is_near():
    assert did_you_mean("adapter", ["scratch", "adapters"]) == "; did you mean 'adapters'?"
    assert did_you_mean("x", ["scratch", "adapters"]) == "; known: adapters, scratch"
    assert did_you_mean("x", []) == "; known: none"
