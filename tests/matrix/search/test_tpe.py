"""TPE: the same proposals from the same trials, better ones than chance, and one line where Optuna is absent."""

import sys

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.search.samplers import STARTUP, Tried, generation, random_points
from emonet_bench.matrix.search.space import ARCHITECTURE, Dimension, Space
from emonet_bench.matrix.search.tpe import check_installed, tpe_points
from emonet_bench.runs.search import Range, Search

DIMENSIONS = (
    Dimension("training.learning_rate", Range(low=1e-5, high=1.0, log=True)),
    Dimension("training.epochs", Range(low=1, high=100), whole=True),
    Dimension("options.net.pair", ([0.0, 0.5], [0.5, 0.5], None)),
)
SPACE = Space({"net": DIMENSIONS, "other": DIMENSIONS[:1]}, named=True)


def value(point):
    """Best, 1.0, at 60 epochs of the pair [0.5, 0.5], whatever the rate."""
    if point[ARCHITECTURE] == "other":
        return 0.1
    return 1 - abs(point["training.epochs"] - 60) / 100 - 0.3 * (point["options.net.pair"] != [0.5, 0.5])


def searched(trials, sampler, seed):
    tried = []
    while len(tried) < trials:
        points = generation(Search(space={}, sampler=sampler, seed=seed), SPACE, tried, trials)
        tried += [Tried(point, value(point)) for point in points]
    return tried


def test_without_optuna_it_is_one_line_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match=r"search.sampler: tpe needs Optuna .*pip install optuna"):
        check_installed()


def test_the_same_trials_lead_to_the_same_proposals():
    pytest.importorskip("optuna")
    tried = [Tried(point, value(point)) for point in random_points(0, SPACE, STARTUP)]
    tried.append(Tried(tried[0].point, None))  # one that failed
    first, second = (tpe_points(0, SPACE, tried, 4) for _ in range(2))
    assert first == second
    assert len({str(point) for point in first}) > 1
    assert tpe_points(1, SPACE, tried, 4) != first


def test_it_learns_where_the_best_is():
    pytest.importorskip("optuna")
    best = {
        sampler: [max(one.value for one in searched(40, sampler, seed)) for seed in range(3)]
        for sampler in ("random", "tpe")
    }
    assert min(best["tpe"]) > 0.95
    assert sum(best["tpe"]) > sum(best["random"])


def test_values_lie_within_the_space():
    pytest.importorskip("optuna")
    for point, _ in searched(24, "tpe", 5):
        assert 1e-5 <= point["training.learning_rate"] <= 1.0
        if point[ARCHITECTURE] == "net":
            assert point["options.net.pair"] in DIMENSIONS[2].values
            assert 1 <= point["training.epochs"] <= 100
