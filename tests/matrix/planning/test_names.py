"""Names in a matrix file: each is one that a plugin registers, or the nearest one is offered."""

import pytest

from emonet_bench.config import Options
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.matrix.planning.names import check_names
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.types import Architecture, Corpus, SplitRule, Strategy
from tests.matrix.planning.test_planner import registry

MAPS = {"valence": {"a": "good", "b": "bad"}}
GOOD = {"corpora": ["one", "two"], "architectures": ["net"], "strategies": ["scratch"], "seeds": [0]}


@pytest.fixture(scope="module")
def plugins():
    loaded = Plugins(Selection(names=()))
    rules = {"speakers": SplitRule()}
    mapped = [Corpus(name, ("a", "b"), list, rules, maps=MAPS) for name in ("one", "two")]
    loaded.corpora = registry("corpus", *mapped, Corpus("three", ("a", "b"), list, rules))
    loaded.architectures = registry("architecture", Architecture("net", "cnn", Options, print))
    loaded.strategies = registry("strategy", Strategy("scratch", Options, print))
    return loaded


def test_a_matrix_of_known_names_passes(plugins):
    tables = {"training": {"epochs": 3, "net": {"epochs": 4}}, "options": {"net": {}, "scratch": {}}}
    excluded = [{"corpus": "one", "architecture": ["net"], "strategy": "scratch", "seed": 0}]
    check_names(Matrix(**GOOD, **tables, exclude=excluded, evaluate=["valence"]), plugins)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"corpora": ["one", "tow"]}, "unknown corpus 'tow'; did you mean 'two'?"),
        ({"corpora": {"tow": {}}}, "unknown corpus 'tow'; did you mean 'two'?"),
        ({"architectures": ["nets"]}, "unknown architecture 'nets'; did you mean 'net'?"),
        ({"strategies": ["scratsh"]}, "unknown strategy 'scratsh'; did you mean 'scratch'?"),
        ({"corpora": []}, "corpora: name at least one"),
        ({"corpora": {}}, "corpora: name at least one"),
        ({"architectures": []}, "architectures: name at least one"),
        ({"strategies": []}, "strategies: name at least one"),
        ({"options": {"nett": {}}}, "options.nett: no such architecture or strategy; did you mean 'net'?"),
        ({"training": {"nett": {"epochs": 3}}}, "training.nett: no such architecture or strategy; did you mean 'net'?"),
        ({"exclude": [{"corpus": ["one", "tow"]}]}, "exclude: unknown corpus 'tow'; did you mean 'two'?"),
        ({"exclude": [{"strategy": "scratsh"}]}, "exclude: unknown strategy 'scratsh'; did you mean 'scratch'?"),
        ({"exclude": [{"seeds": 0}]}, "exclude: unknown key 'seeds'; did you mean 'seed'?"),
    ],
)
def test_a_wrong_name_is_one_line_with_the_nearest_right_one(plugins, values, message):
    with pytest.raises(ConfigError) as caught:
        check_names(Matrix(**GOOD | values), plugins)
    assert str(caught.value) == message


def test_a_label_map_is_to_be_shared_by_two_corpora_of_this_matrix(plugins):
    with pytest.raises(ConfigError, match="no two corpora have the label map 'valenz'; did you mean 'valence'"):
        check_names(Matrix(**GOOD, evaluate=["valenz"]), plugins)
    with pytest.raises(ConfigError, match=r"the label map 'valence'; known: none$"):
        check_names(Matrix(**GOOD | {"corpora": ["one", "three"]}, evaluate=["valence"]), plugins)
