"""The results directory: aside, then in place, once."""

import errno
import logging
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import SafetensorError

from emonet_bench.config import Training
from emonet_bench.errors import StoreError
from emonet_bench.files import LONGEST_NAME
from emonet_bench.runs.files import STATE, RunFiles
from emonet_bench.runs.history import Epoch
from emonet_bench.runs.lock import RunLocked
from emonet_bench.runs.log import capture_output
from emonet_bench.runs.spec import Cell, directory_name, run_id
from emonet_bench.runs.store import RunStore, out_of_space
from tests.written import finished, planned_cell

SPEC = planned_cell("c").spec
IDENTITY = run_id(SPEC, {})


CELL = Cell(SPEC, IDENTITY)


def write(directory, value):
    RunFiles(directory).write_record(finished(CELL, best_epoch=value))


def finish(store, value, **options):
    with store.writing(SPEC, IDENTITY, **options) as directory:
        if directory is not None:
            write(directory, value)
    return directory


def value(store):
    record = store.record(SPEC, IDENTITY)
    return record and record.best_epoch


def test_a_run_appears_only_when_it_is_whole(tmp_path):
    store = RunStore(tmp_path)
    with store.writing(SPEC, IDENTITY) as directory:
        write(directory, 1)
        assert store.record(SPEC, IDENTITY) is None
    assert value(store) == 1


def test_a_run_that_breaks_off_leaves_no_result_but_what_it_needs_to_go_on(tmp_path):
    store = RunStore(tmp_path)
    with pytest.raises(RuntimeError), store.writing(SPEC, IDENTITY) as directory:
        (directory / "state").touch()
        raise RuntimeError
    assert store.record(SPEC, IDENTITY) is None
    with store.writing(SPEC, IDENTITY) as directory:
        assert (directory / "state").exists()
        (directory / "state").unlink()
        write(directory, 2)
    assert value(store) == 2


def test_a_finished_run_is_not_written_again_unless_asked(tmp_path):
    store = RunStore(tmp_path)
    finish(store, 1)
    assert finish(store, 2) is None
    assert value(store) == 1
    finish(store, 3, again=True)
    assert value(store) == 3


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


def test_a_results_directory_that_cannot_be_written_is_one_line_with_a_remedy(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as caught:
        RunStore(tmp_path / "file" / "results").make()
    where = f"--results {tmp_path / 'file' / 'results'}"
    assert str(caught.value) == f"{where}: cannot be written (Not a directory); name another directory"
    RunStore(tmp_path / "a" / "b").make()
    RunStore(tmp_path / "a" / "b").make()  # what is there stays
    assert (tmp_path / "a" / "b").is_dir()
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever runs the tests may be allowed everything
    with pytest.raises(StoreError, match=r"b: cannot be written \(Permission denied\); name another directory$"):
        RunStore(tmp_path / "a" / "b").make()


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
        write(directory, 1)
        raise KeyboardInterrupt
    with store.writing(SPEC, IDENTITY) as directory:
        assert directory is None
    assert value(store) == 1
    assert [path.name for path in store.path(SPEC, IDENTITY).iterdir()] == ["result.json"]


def test_what_is_to_be_made_again_goes_on_where_it_was_broken_off(tmp_path):
    store = RunStore(tmp_path)
    finish(store, 1)
    with pytest.raises(KeyboardInterrupt), store.writing(SPEC, IDENTITY, again=True) as directory:
        (directory / "state").touch()
        raise KeyboardInterrupt
    with store.writing(SPEC, IDENTITY, again=True) as directory:
        assert (directory / "state").exists()
        write(directory, 2)
    assert value(store) == 2


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


def test_a_forced_run_in_place_of_a_link_replaces_the_link_only(tmp_path):
    elsewhere = RunStore(tmp_path / "elsewhere")
    finish(elsewhere, 1)
    store = RunStore(tmp_path / "results")
    store.root.mkdir()
    store.path(SPEC, IDENTITY).symlink_to(elsewhere.path(SPEC, IDENTITY), target_is_directory=True)
    finish(store, 2, again=True)
    assert (value(store), value(elsewhere)) == (2, 1)
    assert not store.path(SPEC, IDENTITY).is_symlink()
    assert not list((store.root / ".pending").iterdir())


def test_links_planted_where_runs_are_written_are_not_followed(tmp_path):
    store, victim = RunStore(tmp_path / "results"), tmp_path / "victim"
    victim.write_text("precious")
    staging = store.pending(SPEC, IDENTITY)
    staging.mkdir(parents=True)
    for name in ("predictions.csv", "history.csv", "log.txt", "model.safetensors", "result.json", "history.part"):
        (staging / name).symlink_to(victim)
    os.mkfifo(staging / "shared.safetensors")
    staging.with_name(f"{staging.name}.lock").symlink_to(victim)
    staging.with_name(f"{staging.name}.old").symlink_to(tmp_path, target_is_directory=True)
    with store.writing(SPEC, IDENTITY) as directory:
        with capture_output(directory):
            logging.getLogger("test").warning("hello")
        RunFiles(directory).write_predictions(["a"], [])
        RunFiles(directory).history_writer().write(Epoch(1, 1.0, 0.5, 0.1, 1.0))
        write(directory, 1)
    assert value(store) == 1
    assert victim.read_text() == "precious"
    assert not any(path.is_symlink() for path in store.path(SPEC, IDENTITY).iterdir())


def test_a_link_in_place_of_a_run_that_is_written_is_not_followed(tmp_path):
    store, victim = RunStore(tmp_path / "results"), tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").touch()
    staging = store.pending(SPEC, IDENTITY)
    staging.parent.mkdir(parents=True)
    staging.symlink_to(victim, target_is_directory=True)
    finish(store, 1)
    assert [path.name for path in victim.iterdir()] == ["precious"]
    shutil.rmtree(store.root / ".pending")
    (store.root / ".pending").symlink_to(victim, target_is_directory=True)
    with pytest.raises(StoreError, match="is a link, so that runs would be written elsewhere"):
        finish(store, 2, again=True)
    assert [path.name for path in victim.iterdir()] == ["precious"]


def test_another_runs_record_is_not_taken_for_this_one(tmp_path):
    store = RunStore(tmp_path)
    finish(store, 1)
    record = store.path(SPEC, IDENTITY) / "result.json"
    record.write_text(record.read_text().replace(IDENTITY, IDENTITY[:8] + "0" * 8))
    with pytest.raises(StoreError, match="holds the run"):
        store.record(SPEC, IDENTITY)


def test_a_joint_run_of_many_corpora_has_a_name_that_file_systems_take(tmp_path):
    names = [f"corpus-of-a-rather-long-name-{number}" for number in range(12)]
    long = SPEC.model_copy(update={"corpus": "+".join(names), "protocol": "+".join("p" * 12)})
    other = long.model_copy(update={"corpus": "+".join(reversed(names)), "protocol": "+".join("p" * 12)})
    name = directory_name(long, IDENTITY)
    assert len(name.encode()) + len(".lock") == LONGEST_NAME
    assert name.endswith(f"-{IDENTITY[:8]}")
    assert name == directory_name(long, IDENTITY) != directory_name(other, IDENTITY)
    store = RunStore(tmp_path)
    with store.writing(long, IDENTITY) as directory:
        assert store.busy(long, IDENTITY)
        store.discard(directory)


def test_a_name_that_fits_is_left_as_it_is():
    fitting = SPEC.model_copy(update={"corpus": "c" * 230})
    assert directory_name(fitting, IDENTITY) == f"{'c' * 230}-a-s-s0-{IDENTITY[:8]}"


def test_a_name_that_leads_elsewhere_is_no_run(tmp_path):
    for corpus in ("../up", "/etc", "a/../../b"):
        with pytest.raises(StoreError, match="is no name of a file"):
            RunStore(tmp_path).path(SPEC.model_copy(update={"corpus": corpus}), IDENTITY)


def test_results_of_too_long_a_name_are_one_line(tmp_path):
    store = RunStore(tmp_path / ("x" * 300))
    for ask in (lambda: store.record(SPEC, IDENTITY), store.directories, lambda: finish(store, 1)):
        with pytest.raises(StoreError, match="File name too long"):
            ask()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_is_one_line(tmp_path, monkeypatch, number):
    def without(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", without)
    with pytest.raises(StoreError, match=f"--results {tmp_path}: its file system locks no files"):
        finish(RunStore(tmp_path), 1)


def test_a_file_system_without_fsync_of_directories_is_tolerated(tmp_path, monkeypatch):
    real = os.fsync

    def without(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(handle)

    monkeypatch.setattr("os.fsync", without)
    finish(RunStore(tmp_path), 1)
    assert value(RunStore(tmp_path)) == 1
