"""Locks between processes."""

import pytest

from emonet_bench.runs.lock import RunLocked, is_locked, lock


def test_a_lock_is_held_once_seen_by_others_and_gone_afterwards(tmp_path):
    file = tmp_path / "deep" / "run.lock"
    assert not is_locked(file)
    with lock(file, "--results"):
        assert is_locked(file)
        with pytest.raises(RunLocked, match="run: another process is at work"), lock(file, "--results"):
            pass
    assert not is_locked(file)
    assert not list(file.parent.iterdir())


def test_to_look_changes_nothing(tmp_path):
    (tmp_path / "run.lock").write_text("left behind")
    assert not is_locked(tmp_path / "run.lock")
    assert not is_locked(tmp_path / "other.lock")
    assert [path.name for path in tmp_path.iterdir()] == ["run.lock"]


def test_a_planted_link_is_not_followed(tmp_path):
    victim, link = tmp_path / "victim", tmp_path / "run.lock"
    victim.write_text("precious")
    link.symlink_to(victim)
    assert not is_locked(link)
    with lock(link, "--results"):
        pass
    assert victim.read_text() == "precious"
    assert not link.is_symlink()
