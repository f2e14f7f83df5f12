"""The outcome: what it counts, and what is known of memory."""

from emonet_bench.matrix.outcome import Outcome
from emonet_bench.runs.facts import RunError
from tests.matrix.test_scheduler import cell
from tests.written import finished


def heard(outcome, *peaks):
    for number, peak in enumerate(peaks):
        one = cell(f"c{number}")
        outcome.finished(one, finished(one, **({} if peak is None else {"peak_memory_mb": peak})))
    return outcome


def test_cells_are_counted_by_how_they_ended_and_reasons_are_kept():
    outcome = heard(Outcome(), 1, 2)
    outcome.failed(cell("f"), RunError(type="Oops", message="on fire"))
    outcome.skipped(cell("s"), "no source")
    assert outcome.counts == {"finished": 2, "failed": 1, "skipped": 1}
    assert outcome.finished_cells == [cell("c0"), cell("c1")]
    assert outcome.failures == [(cell("f"), "Oops: on fire")]
    assert outcome.skips == [(cell("s"), "no source")]


def test_the_most_memory_is_remembered_what_a_probe_said_included():
    assert heard(Outcome(), 300, 500, 200).peak_mb == 500
    assert heard(Outcome(peak_mb=700), 300).peak_mb == 700
    assert heard(Outcome(peak_mb=700), 900, None).peak_mb == 900


def test_memory_that_no_record_tells_stays_unknown():
    assert heard(Outcome(), None, None).peak_mb is None
    assert heard(Outcome(), None, 300).peak_mb == 300


def test_outcomes_share_no_lists():
    first, second = Outcome(), Outcome()
    heard(first, 1)
    assert second.counts == {"finished": 0, "failed": 0, "skipped": 0}
