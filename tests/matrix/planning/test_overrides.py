"""What a command line says instead of a matrix file."""

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.overrides import Overrides


def test_overrides_go_before_the_file_which_stays_as_it_was():
    file = {
        "corpora": ["one"],
        "seeds": [0],
        "training": {"epochs": 9},
        "exclude": [{"strategy": "x"}, {"corpus": "y"}],
    }
    settings = ("training.epochs=5", "options.net.dropout=[0, 0.1]", "training.window=none", "source=two")
    overrides = Overrides(strategies=["a", "b"], seeds=[3, 4], limit=8, device="cuda", settings=settings)
    assert overrides.applied(file) == {
        "corpora": ["one"],
        "strategies": ["a", "b"],
        "seeds": [3, 4],
        "training": {"epochs": 5, "window": None, "limit": 8, "device": "cuda"},
        "options": {"net": {"dropout": [0, 0.1]}},
        "source": "two",
        "exclude": [{"corpus": "y"}],
    }
    assert file["training"] == {"epochs": 9}


def test_other_corpora_keep_what_the_file_says_of_them():
    file = {"corpora": {"one": {"protocol": "loso"}, "two": {}}}
    assert Overrides(corpora=["one"]).applied(file)["corpora"] == {"one": {"protocol": "loso"}}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (Overrides(settings=["training.epochs"]), "--set training.epochs: write it as key=value"),
        (Overrides(settings=["training=5", "training.epochs=5"]), "training is a single value or a list"),
        (Overrides(settings=["training=5"], limit=4), "training is a single value or a list"),
        (Overrides(settings=["seeds.x=1"]), "seeds is a single value or a list"),
        (Overrides(settings=["training.epochs=" + "9" * 5000]), "it is too long"),
        (Overrides(settings=["training.epochs=" + "[" * 5000]), "it is too long"),
    ],
)
def test_a_setting_that_cannot_be_is_one_short_line(overrides, message):
    with pytest.raises(ConfigError) as caught:
        overrides.applied({"seeds": [0]})
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200
