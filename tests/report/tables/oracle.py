"""The one cell of a table, and an oracle for its score."""

import pytest

from emonet_bench import report
from tests.written import LABELS


def uar(rows):
    metrics = pytest.importorskip("sklearn.metrics")
    truth, guess = [row[2] for row in rows], [row[3] for row in rows]
    return metrics.recall_score(truth, guess, labels=LABELS, average="macro", zero_division=0)


def the_cell(results, **options):
    table = report.summarise(report.load(results.folder), **options)
    ((_, _, cell),) = table.cells()
    return cell
