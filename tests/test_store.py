"""The results directory: aside, then in place, once."""

import pytest

from emonet_bench.config import Training
from emonet_bench.errors import StoreError
from emonet_bench.runs import RunSpec, run_id
from emonet_bench.store import RunStore, checkpoint_hash, read_record, write_json

SPEC = RunSpec(
    corpus="c",
    protocol="p",
    architecture="a",
    architecture_options={},
    strategy="s",
    strategy_options={},
    training=Training(),
    seed=0,
)
IDENTITY = run_id(SPEC, {})


def finish(store, value, **options):
    with store.writing(SPEC, IDENTITY, **options) as directory:
        if directory is not None:
            write_json(directory / "result.json", {"value": value})
    return directory


def test_a_run_appears_only_when_it_is_whole(tmp_path):
    store = RunStore(tmp_path)
    with store.writing(SPEC, IDENTITY) as directory:
        write_json(directory / "result.json", {"value": 1})
        assert store.record(SPEC, IDENTITY) is None
    assert store.record(SPEC, IDENTITY) == {"value": 1}


def test_a_run_that_breaks_off_leaves_no_result_but_what_it_needs_to_go_on(tmp_path):
    store = RunStore(tmp_path)
    with pytest.raises(RuntimeError), store.writing(SPEC, IDENTITY) as directory:
        (directory / "state").touch()
        raise RuntimeError
    assert store.record(SPEC, IDENTITY) is None
    with store.writing(SPEC, IDENTITY) as directory:
        assert (directory / "state").exists()
        (directory / "state").unlink()
        write_json(directory / "result.json", {"value": 2})
    assert store.record(SPEC, IDENTITY) == {"value": 2}


def test_a_finished_run_is_not_written_again_unless_asked(tmp_path):
    store = RunStore(tmp_path)
    finish(store, 1)
    assert finish(store, 2) is None
    assert store.record(SPEC, IDENTITY) == {"value": 1}
    finish(store, 3, again=True)
    assert store.record(SPEC, IDENTITY) == {"value": 3}


def test_a_discarded_run_leaves_nothing(tmp_path):
    store = RunStore(tmp_path)
    with store.writing(SPEC, IDENTITY) as directory:
        store.discard(directory)
    assert store.record(SPEC, IDENTITY) is None


def test_the_run_id_changes_with_the_recipe_and_with_its_context():
    other = SPEC.model_copy(update={"training": Training(epochs=41)})
    assert len({IDENTITY, run_id(other, {}), run_id(SPEC, {"plugins": {"a": "2"}})}) == 3


def test_a_results_directory_that_is_a_file_is_one_clear_line(tmp_path):
    (tmp_path / "results").touch()
    with pytest.raises(StoreError, match="--results"), RunStore(tmp_path / "results").writing(SPEC, IDENTITY):
        pass


@pytest.mark.parametrize("content", ["", "{", "[1]"])
def test_a_damaged_record_names_its_file(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(StoreError, match=r"result\.json: damaged"):
        read_record(tmp_path)


def test_a_missing_checkpoint_names_its_file(tmp_path):
    with pytest.raises(StoreError, match=r"model\.safetensors"):
        checkpoint_hash(tmp_path)
