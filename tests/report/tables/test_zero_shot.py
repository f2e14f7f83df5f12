"""Zero-shot maps: one for each way and label map, seeds averaged, apart from what is ranked."""

import numpy as np
import pytest
from sklearn.metrics import recall_score

from emonet_bench import report
from emonet_bench.report.tables.zero_shot import zero_shots
from tests.written import LABELS, clips


def cross(results, target, labels="two", protocol="fixed", **changes):
    there = {"corpus": target, "protocol": f"{protocol}:{labels}", "labels": {}}
    results.add(evaluate=there, source="1" * 16, **changes)


def maps(results, metric="uar"):
    return zero_shots(report.load(results.folder), report.wanted_metric(metric))


def test_seeds_of_one_source_and_target_are_averaged(results):
    rows = [clips(right=0.5, seed=seed) for seed in (0, 1)]
    for seed in (0, 1):
        cross(results, "there", seed=seed, rows=rows[seed])
    (one,) = maps(results)
    expected = [
        recall_score([row[2] for row in each], [row[3] for row in each], labels=LABELS, average="macro")
        for each in rows
    ]
    (cell,) = one.cells.values()
    assert (cell.score, cell.seeds, cell.complete) == (pytest.approx(np.mean(expected)), 2, True)
    assert (cell.best, cell.against) == (False, None)


def test_each_way_and_label_map_has_a_map_of_its_own(results):
    for strategy in ("scratch", "adapters"):
        for labels in ("two", "four"):
            cross(results, "there", labels=labels, strategy=strategy)
    titles = [one.title for one in maps(results)]
    assert titles == ["cnn adapters, four", "cnn adapters, two", "cnn scratch, four", "cnn scratch, two"]


def test_lines_stand_by_source_with_a_cell_or_none_for_each_target(results):
    cross(results, "b", corpus="a")
    cross(results, "a", corpus="b")
    (one,) = maps(results)
    assert [row.corpus for row in one.targets] == ["a", "b"]
    lines = {source: [cell is not None for cell in cells] for source, cells in one.lines()}
    assert lines == {"a fixed": [False, True], "b fixed": [True, False]}
    assert all(one.protocol(row) == "fixed" for row in one.targets), "the title names the label map"


def test_protocols_of_one_target_are_columns_of_their_own(results):
    for protocol in ("fixed", "folds5"):
        cross(results, "there", protocol=protocol)
    (one,) = maps(results)
    assert [one.protocol(row) for row in one.targets] == ["fixed", "folds5"]
    assert set(one.cells) == {("emo fixed", 0), ("emo fixed", 1)}


def test_a_failed_crossing_is_a_failed_cell(results):
    cross(results, "there")
    cross(results, "there", corpus="other", error="boom")
    (one,) = maps(results)
    assert {source: cell.state for (source, _), cell in one.cells.items()} == {
        "emo fixed": "done",
        "other fixed": "failed",
    }


def test_no_crossing_makes_no_map():
    assert zero_shots([], "uar") == ()
