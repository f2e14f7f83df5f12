"""Layout: which dimensions make rows and columns, and in which order columns stand."""

import pytest

from emonet_bench import report
from emonet_bench.errors import ConfigError
from emonet_bench.report.tables.layout import pivot


@pytest.fixture
def square(results):
    for corpus, level in (("ab", 0.4), ("cd", 0.6)):
        for architecture in ("cnn", "rnn"):
            for strategy in ("scratch", "adapters"):
                right = level + 0.2 * (strategy == "adapters") + 0.1 * (architecture == "rnn")
                trainable = 100 if strategy == "adapters" else 1000
                results.add(
                    corpus, architecture, strategy, right=right, parameters={"total": 1000, "trainable": trainable}
                )
    return report.summarise(report.load(results.folder))


def heads(table):
    return report.render_markdown(table).splitlines()[0]


@pytest.mark.parametrize(
    ("arrangement", "head", "first"),
    [
        ({}, "| corpus | cnn scratch | cnn adapters | rnn scratch | rnn adapters |", "ab, fixed"),
        ({"columns": "corpus"}, "| architecture, strategy | ab, fixed | cd, fixed |", "cnn scratch"),
        ({"rows": "corpus,architecture"}, "| corpus, architecture | scratch | adapters |", "ab, fixed cnn"),
        ({"rows": "strategy", "columns": "corpus, architecture"},
         "| strategy | ab, fixed cnn | ab, fixed rnn | cd, fixed cnn | cd, fixed rnn |", "scratch"),
    ],
)  # fmt: skip
def test_rows_and_columns_can_be_chosen(square, arrangement, head, first):
    arranged = report.arranged(square, **arrangement)
    assert heads(arranged) == head
    assert report.render_markdown(arranged).splitlines()[2].startswith(f"| {first} |")


def test_every_layout_shows_every_score_once(square):
    def scores(table):
        lines = report.render_markdown(table).splitlines()[2:]
        rows = lines[: lines.index("")]
        return sorted(cell.strip() for row in rows for cell in row.split("|")[2:-1] if cell.strip())

    assert len(scores(square)) == 8
    for rows in ("architecture", "strategy", "corpus,strategy", "strategy,corpus"):
        assert scores(report.arranged(square, rows=rows)) == scores(square)


def test_columns_can_be_sorted_by_score_and_by_cost(square):
    by_score = [str(column) for column in report.arranged(square, sort="score").columns]
    assert (by_score[0], by_score[-1]) == ("rnn adapters", "cnn scratch")
    assert [column.strategy for column in report.arranged(square, sort="parameters").columns[:2]] == ["adapters"] * 2
    assert heads(report.arranged(square, sort="parameters")).startswith("| corpus | cnn adapters | rnn adapters |")


def test_a_pivot_has_a_place_for_each_column_and_none_where_nothing_was_run(results):
    results.add("ab", "cnn")
    results.add("cd", "rnn")
    heads, lines = pivot(report.summarise(report.load(results.folder)))
    assert heads == [("cnn", "scratch"), ("rnn", "scratch")]
    assert [[cell is not None for cell in cells] for _, cells in lines] == [[True, False], [False, True]]


@pytest.mark.parametrize(
    ("arrangement", "message"),
    [
        ({"rows": "corpus", "columns": "strat"}, "^--columns strat: no dimension 'strat'"),
        ({"rows": "corpus", "columns": "corpus,strategy"}, "^--rows corpus --columns corpus,strategy: share corpus"),
        ({"columns": "strategy,"}, "^--columns strategy,: no dimension ''"),
    ],
)
def test_a_wrong_layout_names_the_option_that_is_wrong(arrangement, message):
    with pytest.raises(ConfigError, match=message):
        report.arranged(report.summarise([]), **arrangement)
