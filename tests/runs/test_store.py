"""The results directory: aside, then in place, once."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import SafetensorError

from emonet_bench.config import Training
from emonet_bench.errors import StoreError
from emonet_bench.runs.spec import RunSpec, run_id
from emonet_bench.runs.store import (
    STATE,
    RunLocked,
    RunStore,
    checkpoint_hash,
    commit,
    out_of_space,
    read_record,
    write_json,
)

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


def test_a_run_that_another_process_writes_is_busy_and_free_again_when_it_ends(tmp_path):
    store, other = RunStore(tmp_path), RunStore(tmp_path)
    assert not other.busy(SPEC, IDENTITY)
    with store.writing(SPEC, IDENTITY) as directory:
        assert other.busy(SPEC, IDENTITY)
        with pytest.raises(RunLocked), other.writing(SPEC, IDENTITY):
            pass
        store.discard(directory)
    assert not other.busy(SPEC, IDENTITY)
    assert not list((tmp_path / ".pending").iterdir())


def test_the_death_of_a_process_frees_its_run(tmp_path):
    code = f"""
import os
from emonet_bench.runs.store import RunStore
from tests.runs.test_store import IDENTITY, SPEC
from pathlib import Path
with RunStore(Path({str(tmp_path)!r})).writing(SPEC, IDENTITY) as directory:
    (directory / "state").touch()
    os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    store = RunStore(tmp_path)
    assert not store.busy(SPEC, IDENTITY)
    with store.writing(SPEC, IDENTITY) as directory:
        assert (directory / "state").exists()
        store.discard(directory)


def test_a_sealed_run_is_only_moved(tmp_path):
    store = RunStore(tmp_path)
    with pytest.raises(KeyboardInterrupt), store.writing(SPEC, IDENTITY) as directory:
        (directory / STATE).touch()
        (directory / "history.part").touch()
        commit(directory, {"value": 1})
        raise KeyboardInterrupt
    with store.writing(SPEC, IDENTITY) as directory:
        assert directory is None
    assert store.record(SPEC, IDENTITY) == {"value": 1}
    assert [path.name for path in store.path(SPEC, IDENTITY).iterdir()] == ["result.json"]


def test_a_record_appears_after_everything_that_it_speaks_of_has_reached_the_disk(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr("os.fsync", lambda handle: told.append(Path(f"/proc/self/fd/{handle}").readlink().name))
    (tmp_path / "model.safetensors").touch()
    monkeypatch.setattr(Path, "replace", lambda self, target: told.append(f"-> {target.name}"))
    commit(tmp_path, {})
    assert told == ["model.safetensors", "result.json.part", "-> result.json", tmp_path.name]


def test_what_is_to_be_made_again_goes_on_where_it_was_broken_off(tmp_path):
    store = RunStore(tmp_path)
    finish(store, 1)
    with pytest.raises(KeyboardInterrupt), store.writing(SPEC, IDENTITY, again=True) as directory:
        (directory / "state").touch()
        raise KeyboardInterrupt
    with store.writing(SPEC, IDENTITY, again=True) as directory:
        assert (directory / "state").exists()
        write_json(directory / "result.json", {"value": 2})
    assert store.record(SPEC, IDENTITY) == {"value": 2}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.ENOENT, "No such file"), False),
        (SafetensorError(f"I/O error: No space left on device (os error {errno.ENOSPC})"), True),
        (ValueError("28"), False),
    ],
)
def test_a_full_disk_is_told_from_other_errors(error, expected):
    assert out_of_space(error) is expected
