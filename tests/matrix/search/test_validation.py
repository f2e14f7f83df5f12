"""What may be searched: every wrong search is one line that names the option."""

import pytest

from emonet_bench.errors import ConfigError
from tests.matrix.search.searched import RATE, Toy

OK = {"training.learning_rate": RATE}


def space(key, values):
    return {"space": {**OK, key: values}}


@pytest.mark.parametrize(
    ("search", "values", "words"),
    [
        ({"space": {}}, {}, "search.space: names no option"),
        (space("training.learning_rat", [1.0]), {}, "training.learning_rat: unknown option; did you mean"),
        (space("learning_rate", [1.0]), {}, "search.space.learning_rate: no option; write it as training.NAME"),
        (space("options.nett.width", [1]), {}, "search.space.options.nett.width: the matrix has no 'nett'; did you"),
        (space("options.net.with", [1]), {}, "options.net.with: unknown option; did you mean 'width'"),
        (space("options.plain.width", [1]), {}, "the matrix has no 'plain'"),
        (space("training.epochs", []), {}, "search.space.training.epochs: an empty list"),
        (space("training.epochs", [0]), {}, "training.epochs: input should be greater than or equal to 1; got 0"),
        (space("training.epochs", {"low": 5, "high": 5}), {}, "an empty range; low must be below high"),
        (space("training.epochs", {"low": 0, "high": 5, "log": True}), {}, "a logarithmic range starts above 0"),
        (space("training.epochs", {"low": 1.5, "high": 5}), {}, "training.epochs"),
        (space("training.loss", {"low": 1, "high": 5}), {}, "training.loss"),
        (space("training.balanced_weights", {"low": 0, "high": 1}), {}, "a range, and the option takes no numbers"),
        (space("options.net.pair", {"low": 0.1, "high": 0.2}), {}, "options.net.pair"),
        (space("training.device", ["cpu"]), {}, "search.space.training.device: says where a cell is computed"),
        (space("training.limit", [2, 4]), {}, "says what is heard"),
        (space("architecture", ["net", "plain"]), {}, "give the list of the matrix's architectures"),
        (space("training.epochs", [5, 6]), {"training": {"epochs": [5, 6]}}, "the matrix has a list of values for it"),
        (space("options.net.width", [5, 6]), {"options": {"net": {"width": [1, 2]}}}, "has a list of values for it"),
        ({"space": OK}, {"architectures": ["svm"]}, "no row of the matrix depends on it"),
        (
            {"space": {"options.svm.width": [1]}, "pruner": "halving"},
            {"architectures": ["svm"]},
            "search.pruner: halving trains for few epochs first, and svm is fitted without epochs",
        ),
        (space("training.epochs", [3, 9]) | {"pruner": "halving"}, {}, "halving chooses the epochs"),
        ({"pruner": "halving", "seconds": 5}, {}, "search.seconds: would end halving before its last epochs"),
        ({"seconds": 0}, {}, "search.seconds: input should be greater than 0"),
        ({"trials": 0}, {}, "search.trials: input should be greater than or equal to 1"),
        ({"sampler": "tep"}, {}, "search.sampler: input should be"),
    ],
)
def test_a_wrong_search_is_one_line_that_names_the_option(tmp_path, search, values, words):
    with pytest.raises(ConfigError, match=words) as raised:
        Toy(tmp_path).studies(search, **values)
    assert "\n" not in str(raised.value)


def test_a_search_beside_zero_shot_cells_is_refused(tmp_path):
    planner = Toy(tmp_path).planner()
    with pytest.raises(ConfigError, match="evaluate: zero-shot cells are not made of tuned runs"):
        from emonet_bench.matrix.search.validation import check_search

        planner.matrix = planner.matrix.model_copy(update={"evaluate": ["4-class"]})
        check_search(planner.matrix.search, planner)


def test_ranges_of_whole_and_of_real_options_are_told_apart(tmp_path):
    values = {"training.epochs": {"low": 2, "high": 5}, "training.window": {"low": 1, "high": 3}}
    (study,) = Toy(tmp_path).studies({"space": values})
    (dimensions,) = study.space.dimensions.values()
    assert {one.key: one.whole for one in dimensions} == {"training.epochs": True, "training.window": False}
