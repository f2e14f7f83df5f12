"""Reading runs back: one bad run is one line, the others are read."""

import pytest

from emonet_bench.errors import StoreError
from emonet_bench.report.reading import load, load_runs, read_predictions, skipped
from emonet_bench.runs.store import PENDING
from tests.matrix.test_scheduler import cell
from tests.runs.test_record import JOINT, SINGLE
from tests.written import Results


def test_a_joint_run_gives_a_result_for_each_corpus_with_its_own_predictions():
    first, second = load(JOINT)
    assert (first.corpus, second.corpus) == ("synthetic-acted", "synthetic-calls")
    assert first.joint
    assert first.predictions.name == "predictions-synthetic-acted.csv"
    assert set(read_predictions(second).truth) <= set(second.facts.labels)


def test_predictions_are_those_of_the_test_partition():
    (result,) = load(SINGLE)
    rows = read_predictions(result)
    assert len(rows.truth) == result.facts.partitions["test"].clips
    hits = [truth == guess for truth, guess in zip(rows.truth, rows.prediction, strict=True)]
    assert sum(hits) / len(hits) == result.scores["accuracy"]
    assert all(0 < value <= 1 for value in rows.confidence)


def test_a_failed_run_and_a_skipped_cell_say_why(tmp_path):
    Results(tmp_path).add(error="boom\nand more")
    (failed,) = load(tmp_path)
    assert (failed.state, failed.reason, failed.scores) == ("failed", "RuntimeError: boom and more", {})
    left_out = skipped(cell("a", source="b"), "no\nsource")
    assert (left_out.state, left_out.reason, left_out.title) == ("skipped", "no source", "a a s s0")


def test_runs_that_have_only_begun_are_told_with_what_goes_on(tmp_path):
    (tmp_path / PENDING / "emo-cnn-scratch-s0-00000000").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"no run has finished yet, 1 have begun; 'emonet-bench status .*' shows them"):
        load(tmp_path)


def test_a_bad_run_is_warned_of_by_name_and_the_others_are_read(tmp_path):
    results = Results(tmp_path)
    good, bad = results.add(), results.add(seed=1)
    (bad / "result.json").write_text("[" * 100_000)
    with pytest.warns(RuntimeWarning, match=rf"left out: .*{bad.name}.*damaged"):
        (found,) = load_runs([bad, good])
    assert found.run_id.startswith(good.name.rpartition("-")[2])


def test_a_directory_that_is_none_or_has_too_long_a_name_is_one_line(tmp_path):
    for path in (tmp_path / "absent", tmp_path / ("x" * 300)):
        with pytest.raises(StoreError, match="no such directory; name the --results"):
            load(path)
