"""Extensions of records: facts of plugins under their names, what fails noted, and no run lost."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from emonet_bench import load_results
from emonet_bench.matrix.cells.cell import run_cell
from emonet_bench.matrix.cells.job import Job
from emonet_bench.matrix.planning.plan import matrix_source, plan
from emonet_bench.plugins.extensions import RecordExtensions, checked_extension, problems
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.record import parse_record
from tests.matrix.test_scheduler import cell
from tests.written import finished

CELL = cell("a")
HEAD = "from emonet_bench import hookimpl\n@hookimpl\ndef emonet_extend_record(spec):\n    "


@pytest.fixture
def extended(tmp_path):
    """Write a plugin for each body of the hook, and let them extend a record."""

    def made(record=None, strict=False, **bodies):
        files = [tmp_path / f"{name}.py" for name in bodies]
        for file, body in zip(files, bodies.values(), strict=True):
            file.write_text(HEAD + body)
        plugins = Plugins(Selection(names=(), files=tuple(files), strict=strict))
        return RecordExtensions(plugins, CELL.spec).added_to(record or finished(CELL))

    return made


def test_each_plugin_has_a_block_under_its_own_name(extended):
    record = extended(
        energy="return lambda record: {'joules': 12.5, 'of': ['cpu', None]}",
        tracker="return lambda record: {'id': record['run_id'], 'seed': spec.seed}",
    )
    assert record.extensions == {
        "energy": {"joules": 12.5, "of": ["cpu", None]},
        "tracker": {"id": CELL.run_id, "seed": 0},
    }
    assert record.notes == {}


def test_a_record_is_read_back_as_it_was_written(extended):
    record = extended(energy="return lambda record: {'joules': 0.1, 'parts': {'gpu 0': True}}")
    again = parse_record(record.text().encode(), "result.json")
    assert again.extensions == record.extensions
    assert again.text() == record.text()


def test_a_record_without_extensions_is_written_as_before(extended):
    assert extended().text() == finished(CELL).text()
    assert "extensions" not in json.loads(extended(silent="return lambda record: None").text())
    assert "extensions" not in json.loads(extended(absent="return None").text())


def test_a_failed_run_is_extended_too(extended):
    failed = finished(CELL, error={"type": "Oops", "message": "on fire"})
    record = extended(failed, energy="return lambda record: {'failed': 'error' in record}")
    assert record.failed
    assert record.extensions["energy"] == {"failed": True}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("1 / 0", "raised ZeroDivisionError"),
        ("exit(3)", "raised SystemExit"),
        ("return 3", "must return a function of the record or None; got 3"),
        ("return lambda record: 1 / 0", "raised ZeroDivisionError"),
        ("return lambda record: [1]", "gave facts that no record holds: Input should be a valid dictionary"),
        ("return lambda record: {'joules': float('nan')}", "a number that is none or too large"),
        ("return lambda record: {'joules': {1, 2}}", "joules"),
        ("return lambda record: {'text': 'x' * 70_000}", "more than 65536 characters as JSON; give a summary"),
    ],
)
def test_what_fails_is_noted_and_the_run_is_kept(extended, body, told, strict):
    record = extended(strict=strict, mine=body, other="return lambda record: {'here': True}")
    assert record.extensions == {"other": {"here": True}}
    assert told in record.notes["emonet_extend_record of mine"]
    assert record.scores is not None
    (line,) = problems(parse_record(record.text().encode(), "result.json"))
    assert line.startswith("plugin mine: emonet_extend_record ")
    assert "\n" not in line


def test_notes_of_the_strategy_stay(extended):
    record = extended(finished(CELL, notes={"teacher": "large"}), mine="1 / 0")
    assert record.notes["teacher"] == "large"


def test_what_a_plugin_changes_in_the_record_stays_its_own(extended):
    record = extended(vandal="return lambda record: record.clear() or {'empty': not record}")
    assert record.extensions["vandal"] == {"empty": True}
    assert record.run_id == CELL.run_id


def nested(levels):
    facts = {}
    for _ in range(levels - 1):
        facts = {"in": facts}
    return facts


@pytest.mark.parametrize("facts", [{"a": [1, 2.5, "x", None, True, {"b": []}]}, nested(8), {"": 1}])
def test_bounds_of_facts(facts):
    if "" in facts:
        with pytest.raises(ValueError, match="at least 1 character"):
            checked_extension(facts)
    else:
        assert checked_extension(facts) == facts


@dataclass
class Thing:
    x: int = 1


@pytest.mark.parametrize(
    "facts",
    [nested(9), nested(500), {"x": 2**64}, {"x": float("inf")}, {"x": Thing()}, {1: 2}, {"x": np.float32(1)}, "text", (1, 2)],
    ids=lambda facts: type(facts).__name__,
)  # fmt: skip
def test_what_no_record_holds_is_told_in_one_line(facts):
    with pytest.raises(ValueError, match=r"^gave facts that no record holds: ") as told:
        checked_extension(facts)
    assert "\n" not in str(told.value)


def test_a_record_of_a_stranger_with_facts_beyond_the_bounds_is_refused():
    told = json.loads(finished(CELL).text()) | {"extensions": {"mine": nested(200)}}
    with pytest.raises(Exception, match=r"extensions\.mine: more than 8 levels deep|recursion|not a run's record"):
        parse_record(json.dumps(told).encode(), "result.json")


def test_a_run_that_is_extended_has_the_id_of_one_that_is_not(tmp_path):
    (tmp_path / "mine.py").write_text(f"{HEAD}return lambda record: {{'joules': 1.0}}")
    matrix = matrix_source({"corpora": ["synthetic-acted"], "architectures": ["chance"]})
    without, extending = Selection(), Selection(files=(tmp_path / "mine.py",))
    (alone,), (planned,) = (plan(matrix, Plugins(selection)).cells for selection in (without, extending))
    assert alone.run_id == planned.run_id
    results = tmp_path / "results"
    results.mkdir()
    assert run_cell(Job(planned, extending, results)) is None
    (read,) = load_results(results).records
    assert read.extensions == {"mine": {"joules": 1.0}}
