"""The inventory of feature stores: what is listed is what is there, and what is removed is gone."""

import os
import time

from filelock import FileLock

from emonet_bench.features import store
from emonet_bench.features.about import ABOUT, read_about
from emonet_bench.features.inventory import remove, stored_features
from emonet_bench.features.store import FeatureKey, FeatureStore
from tests.features.test_store import clips

OLD, NEW = FeatureKey("old", 16_000, "float16", "cpu"), FeatureKey("new", 16_000, "float32", "cpu")


def fill(root):
    FeatureStore(root, OLD).features(clips(range(3)), user="a on x")
    FeatureStore(root, NEW).features(clips(range(5)), user="b on y")
    FeatureStore(root, NEW).features(clips(range(5)), user="c on y")
    long_ago = time.time() - 10 * 24 * 3600
    for path in (root / OLD.directory_name).iterdir():
        os.utime(path, (long_ago, long_ago))
    return {found.path.name: found for found in stored_features(root)}


def test_each_store_tells_its_users_clips_size_and_ages(tmp_path):
    found = fill(tmp_path)
    old, new = found[OLD.directory_name], found[NEW.directory_name]
    assert list(found) == [new.path.name, old.path.name]  # the one used last first
    assert (old.users, old.clips, old.precision) == (("a on x",), 3, "float16")
    assert (new.users, new.clips) == (("b on y", "c on y"), 5)
    assert new.size == sum(path.stat().st_size for path in new.path.glob("*.safetensors"))
    assert 9.9 < old.age_days < 10.1
    assert 9.9 < old.unused_days < 10.1
    assert new.unused_days < 0.1


def test_what_is_removed_is_gone_and_the_others_stay(tmp_path):
    found = fill(tmp_path)
    assert remove(found[OLD.directory_name]) == ""
    assert [one.path.name for one in stored_features(tmp_path)] == [NEW.directory_name]


def test_a_store_that_a_process_is_at_work_on_is_left_alone(tmp_path):
    found = fill(tmp_path)
    with FileLock(found[OLD.directory_name].path / "07.lock"):
        assert remove(found[OLD.directory_name]) == "a process is at work on it; left alone"
    assert found[OLD.directory_name].path.is_dir()


def test_features_that_are_removed_while_others_are_computed_are_computed_again(tmp_path):
    target = FeatureStore(tmp_path, NEW)
    removed = []

    def once():
        if not removed:
            removed.append(read_about(target.directory))
            for path in target.directory.glob("*.safetensors"):
                path.unlink()

    asked = clips(range(40))
    FeatureStore(tmp_path, NEW).features(asked[:20])
    first = asked[30].compute
    asked[30] = store.ClipToCompute(asked[30].digest, asked[30].samples, lambda: (once(), first())[1])
    rows, _ = target.features(asked)
    assert len(rows) == 40
    assert removed


def test_whatever_else_lies_there_is_neither_listed_nor_touched(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    fill(tmp_path / "features")
    (tmp_path / "features" / "link").symlink_to(tmp_path / "features" / NEW.directory_name)
    (tmp_path / "features" / "odd").mkdir()
    assert len(stored_features(tmp_path / "features")) == 2
    assert stored_features(tmp_path / "missing") == []


def test_a_folder_of_somebody_elses_is_no_store_though_it_describes_itself(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / ABOUT).write_text('{"users": ["me"]}')
    assert stored_features(tmp_path) == []


def test_only_files_of_a_store_are_ever_removed(tmp_path):
    found = fill(tmp_path)[OLD.directory_name]
    (found.path / "thesis.tex").write_text("precious")
    (found.path / "figures.safetensors").mkdir()
    assert remove(found).startswith("not all of it could be removed")
    assert sorted(path.name for path in found.path.iterdir()) == ["figures.safetensors", "thesis.tex"]


def test_a_link_in_a_store_is_removed_and_what_it_leads_to_is_kept(tmp_path):
    found = fill(tmp_path)[OLD.directory_name]
    (tmp_path / "precious").write_text("precious")
    (found.path / "00-x.safetensors").symlink_to(tmp_path / "precious")
    (found.path / "01-x.safetensors").symlink_to(tmp_path / "nowhere")
    assert remove(stored_features(tmp_path)[0 if found.unused_days < 1 else 1]) == ""
    assert (tmp_path / "precious").read_text() == "precious"


def test_whatever_stands_in_a_store_is_listed_without_waiting_or_failing(tmp_path):
    path = fill(tmp_path)[OLD.directory_name].path
    os.mkfifo(path / "00-x.safetensors")
    (path / "01-x.safetensors").mkdir()
    (path / "02-x.safetensors").write_bytes((2**63 - 1).to_bytes(8, "little") + b"{}")
    (path / ABOUT).write_text('{"users": [1, "a\\u001b[2J"]}')
    (found,) = [one for one in stored_features(tmp_path) if one.path == path]
    assert (found.clips, found.users) == (3, ("a\x1b[2J",))
