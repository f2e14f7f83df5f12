"""What the report says of a search: known response surfaces, and formulas against their definitions."""

import itertools
from dataclasses import replace
from statistics import fmean

import pytest
from scipy.stats import f_oneway

from emonet_bench.report import load, summarise
from emonet_bench.report.tables.search import (
    Study,
    best_so_far,
    chosen_options,
    expected_best,
    expected_curve,
    importance,
    search_details,
    studies,
)
from emonet_bench.report.tables.table import Table
from emonet_bench.runs.search import Search, SearchFacts, TrialFacts
from tests.written import Results

SPACE = {"training.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}, "options.cnn.width": [1, 2, 3]}


def study(pairs, fold=None, **search):
    """A study whose trials had these widths and values."""
    trials = [
        TrialFacts(
            number=number,
            options={"options.cnn.width": width, "training.learning_rate": 0.01},
            epochs=2,
            dev=value,
            runs=["0" * 16],
        )
        for number, (width, value) in enumerate(pairs)
    ]
    best = max(range(len(pairs)), key=lambda place: pairs[place][1] or 0.0)
    return Study(fold, Search(space=SPACE, **search), SearchFacts(chosen=best, trials=trials))


def add(results, one, **where):
    """Write the run that a study has tuned."""
    training = {"epochs": 2, "learning_rate": one.chosen.options["training.learning_rate"]}
    path = results.add(
        options={"width": one.chosen.options["options.cnn.width"]}, training=training, fold=one.fold, **where
    )
    record = path / "result.json"
    import json

    content = json.loads(record.read_text())
    content["spec"]["search"] = one.search.model_dump(mode="json")
    content |= {"search": one.facts.model_dump(mode="json"), "schema_version": 1}
    record.write_text(json.dumps(content))


def test_the_expected_best_is_the_mean_over_all_draws():
    values = [0.3, 0.1, 0.7, 0.4]
    for count in (1, 2, 3):
        draws = list(itertools.product(values, repeat=count))
        assert expected_best(values, count) == pytest.approx(fmean(max(draw) for draw in draws))


def test_the_expected_best_grows_with_the_trials_towards_the_best():
    one = study([(1, 0.2), (2, 0.9), (3, 0.4), (1, None)])
    curve = expected_curve(one)
    assert len(curve) == 3
    assert curve == sorted(curve)
    assert curve[0] == pytest.approx(0.5)
    assert curve[-1] < 0.9
    assert best_so_far(one) == [0.2, 0.9, 0.9]


def test_importance_is_epsilon_squared():
    groups = {1: [0.1, 0.2, 0.15], 2: [0.5, 0.55, 0.45], 3: [0.3, 0.6, 0.4]}
    found = importance(study([(width, value) for width, values in groups.items() for value in values]))
    test = f_oneway(*groups.values())
    between, within = len(groups) - 1, 9 - len(groups)
    expected = between * (test.statistic - 1) / (between * test.statistic + within)
    assert found["options.cnn.width"] == pytest.approx(expected)
    assert found["training.learning_rate"] == 0.0


def test_importance_of_a_number_is_seen_in_its_quarters():
    pairs = [(1, 0.1 + 0.001 * place) for place in range(16)]
    one = study(pairs)
    trials = [
        trial.model_copy(update={"options": trial.options | {"training.learning_rate": 0.001 * (place + 1)}})
        for place, trial in enumerate(one.facts.trials)
    ]
    found = importance(replace(one, facts=SearchFacts(chosen=15, trials=trials)))
    assert found["training.learning_rate"] > 0.85


def test_few_trials_say_nothing_of_importance():
    assert importance(study([(1, 0.1), (2, 0.2)])) == {}


def test_tuned_folds_are_one_column_whatever_they_chose(tmp_path):
    results = Results(tmp_path)
    add(results, study([(1, 0.9), (2, 0.4)], fold=0), seed=0, run_id="1" * 16)
    add(results, study([(1, 0.3), (2, 0.8)], fold=1), seed=0, run_id="2" * 16)
    table = summarise(load(tmp_path))
    assert [str(column) for column in table.columns] == ["cnn scratch tuned"]
    ((group,),) = [tuple(groups.values()) for groups in table.groups]
    assert [(one.fold, chosen_options(one)) for one in studies(group)] == [
        (0, "width = 1, learning_rate = 0.01"),
        (1, "width = 2, learning_rate = 0.01"),
    ]
    details = list(search_details(table.rows, table.groups))
    assert details[1] == "emo cnn scratch tuned f1: width = 2, learning_rate = 0.01 (trial 1)"


def note(table: Table, start):
    (found,) = [line for line in table.notes if line.startswith(start)]
    return found


def test_a_tuned_cell_beside_an_untuned_one_is_warned_of_and_says_what_was_searched(tmp_path):
    results = Results(tmp_path)
    results.add(options={"width": 1}, training={"epochs": 2, "learning_rate": 0.002})
    add(results, study([(1, 0.9), (2, 0.4), (3, 0.5)]), seed=0, run_id="1" * 16)
    table = summarise(load(tmp_path))
    assert [str(column) for column in table.columns] == ["cnn scratch", "cnn scratch tuned"]
    assert note(table, "emo: tuned") == "emo: tuned cells stand beside some that nobody tuned: cnn scratch."
    expected = f"{expected_best([0.9, 0.4, 0.5], 3):.3f}"
    assert note(table, "emo cnn scratch tuned") == (
        "emo cnn scratch tuned: 3 random trials; dev score 0.900 of the chosen, 0.500 of the median, "
        f"{expected} to be expected of the best of 3."
    )


def test_unequal_budgets_are_compared_at_the_smaller(tmp_path):
    results = Results(tmp_path)
    add(results, study([(1, 0.9), (2, 0.4), (3, 0.5)]), seed=0, run_id="1" * 16)
    add(results, study([(1, 0.2), (2, 0.6)], seed=1), seed=0, run_id="2" * 16, architecture="rnn")
    table = summarise(load(tmp_path))
    assert f"{expected_best([0.9, 0.4, 0.5], 2):.3f} to be expected of the best of 2" in note(table, "emo cnn")
    assert f"{expected_best([0.2, 0.6], 2):.3f} to be expected of the best of 2" in note(table, "emo rnn")


def test_trials_that_learn_from_others_have_no_expected_best(tmp_path):
    add(Results(tmp_path), study([(1, 0.9), (2, 0.4)], sampler="tpe"), run_id="1" * 16)
    assert "expected" not in note(summarise(load(tmp_path)), "emo cnn")


def test_two_searches_of_one_row_are_two_columns(tmp_path):
    results = Results(tmp_path)
    for seed in (0, 1):
        add(results, study([(1, 0.9), (2, 0.4)], seed=seed), run_id=f"{seed}" * 16)
    columns = [str(column) for column in summarise(load(tmp_path)).columns]
    assert len(columns) == 2
    assert all(column.startswith("cnn scratch tuned ") for column in columns)


def test_where_less_is_better_the_best_of_trials_is_the_least():
    losses = study([(1, 0.9), (2, 0.3), (3, 0.6)])
    losses = replace(losses, facts=losses.facts.model_copy(update={"higher_is_better": False, "chosen": 1}))
    assert best_so_far(losses) == [0.9, 0.3, 0.3]
    pairs = [min(both) for both in itertools.product(losses.values, repeat=2)]
    assert expected_curve(losses)[:2] == pytest.approx([fmean(losses.values), fmean(pairs)])
