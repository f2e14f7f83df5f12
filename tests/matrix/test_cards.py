"""Measured cards of a matrix: every exported model gets one, once, and what cannot be measured says why."""

import json

import pytest

from emonet_bench.library import run_matrix
from emonet_bench.matrix.cards import write_cards
from emonet_bench.plugins.loading import Plugins
from emonet_bench.report.html import render_html
from emonet_bench.report.reading import load
from emonet_bench.report.tables.table import summarise
from emonet_bench.runs.store import RunStore
from tests.in_process import cells_in_this_process

pytestmark = pytest.mark.slow

MATRIX = {
    "corpora": ["synthetic-calls"],
    "architectures": ["rnn"],
    "strategies": ["scratch"],
    "training": {"epochs": 1, "limit": 8},
    "options": {"rnn": {"hidden_dim": 4}},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    with cells_in_this_process():
        found = run_matrix(MATRIX, results=folder, card=True)
    return folder, found


def test_a_finished_cell_has_a_card_and_the_report_shows_it(results):
    folder, _ = results
    (run,) = load(folder)
    assert run.card.data.notes == []
    assert run.card.data.clips == 8
    (directory,) = RunStore(folder).directories()
    assert {"card.json", "card.md", "card.html", "model.onnx"} <= {path.name for path in directory.iterdir()}
    table = summarise([run])
    assert f'href="{directory.name}/card.html"' in render_html(table)
    assert run.card.training.partitions["train"].clips == 8
    assert run.card.training.parameters.total > 0
    ((_, _, cell),) = table.cells()
    grade = run.card.robustness.grade.letter
    assert cell.robustness == (grade or "")


def test_a_card_of_this_very_file_is_kept_and_another_is_not(results):
    folder, _ = results
    (directory,) = RunStore(folder).directories()
    before = (directory / "card.json").stat().st_mtime_ns
    cells = _cells(folder)
    assert write_cards(cells, folder, Plugins(), lambda *_: None) == []
    assert (directory / "card.json").stat().st_mtime_ns == before
    changed = json.loads((directory / "card.json").read_text())
    (directory / "card.json").write_text(json.dumps({**changed, "sha256": "0" * 64}))
    assert write_cards(cells, folder, Plugins(), lambda *_: None) == []
    assert json.loads((directory / "card.json").read_text())["sha256"] == changed["sha256"]


def test_a_cell_without_a_model_says_how_to_get_one(results, tmp_path):
    folder, _ = results
    (problem,) = write_cards(_cells(folder), tmp_path, Plugins(), lambda *_: None)
    assert "no card" in problem
    assert "emonet-bench export" in problem


def _cells(folder):
    from emonet_bench.matrix.planning.plan import matrix_source, plan

    return plan(matrix_source(MATRIX), Plugins()).cells
