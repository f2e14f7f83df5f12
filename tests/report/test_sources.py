"""Sources in words: seeds of one recipe are called the same, and a source that is not at hand by its hash."""

from emonet_bench.report.sources import Sources
from emonet_bench.runs.files import RunFiles
from tests.written import Results


def described(results, **changes):
    path = results.add(**changes)
    return Sources().title(RunFiles(path).read_record().spec, results.folder)


def test_a_run_that_starts_from_nothing_has_none(tmp_path):
    assert described(Results(tmp_path)) is None


def test_sources_of_other_seeds_are_called_the_same(tmp_path):
    results = Results(tmp_path)
    for seed in (0, 1):
        results.add("other", seed=seed, run_id=f"{seed}b" * 8)
    assert {described(results, strategy="finetune", seed=seed, source=f"{seed}b" * 8) for seed in (0, 1)} == {
        "scratch on other"
    }


def test_a_teacher_of_another_architecture_is_called_by_it_too(tmp_path):
    results = Results(tmp_path)
    results.add(architecture="probe", run_id="a" * 16)
    assert described(results, strategy="distill", source="a" * 16) == "probe scratch on emo"


def test_a_source_that_is_not_at_hand_or_damaged_is_called_by_its_hash(tmp_path):
    results = Results(tmp_path)
    assert described(results, strategy="finetune", source="abcdef12" * 2) == "abcdef12"
    (results.add("other", run_id="b" * 16) / "result.json").write_text("{")
    assert described(results, strategy="finetune", seed=1, source="b" * 16) == "b" * 8
