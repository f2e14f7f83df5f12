"""The code of a plugin as part of its version, for installed packages that are edited, editable or as released."""

import json
import sys
from importlib.metadata import distribution, entry_points

import pytest

from emonet_bench.plugins.code import code_version
from emonet_bench.plugins.loading import Plugins, Selection
from tests.plugins.test_loading import GOOD, site

assert site  # a fixture

MODULE = "dist_good_module"


def version(name="good"):
    (found,) = entry_points(group="emonet_bench", name=name)
    return code_version(found)


@pytest.fixture
def good(site):
    site.install("good", GOOD, version="2.3")
    return site.folder / f"{MODULE}.py"


def make_editable(file):
    (info,) = file.parent.glob("dist_good-*.dist-info")
    (info / "direct_url.json").write_text(json.dumps({"url": "file:///src", "dir_info": {"editable": True}}))


def test_a_release_as_it_was_installed_has_no_hash(good):
    assert version() == ""
    assert Plugins(Selection(names=("good",))).versions() == {"good": "2.3"}


def test_a_release_that_was_edited_afterwards_has_one(good):
    good.write_text(good.read_text() + "\n# edited")
    edited = version()
    assert edited.startswith("sha256.")
    assert Plugins(Selection(names=("good",))).versions() == {"good": f"2.3+{edited}"}


def test_an_editable_package_has_one_that_changes_with_its_code_and_with_nothing_else(good):
    make_editable(good)
    first = version()
    good.touch()
    (good.parent / "__pycache__").mkdir(exist_ok=True)
    (good.parent / "__pycache__" / "x.pyc").touch()
    assert version() == first != ""
    good.write_text(good.read_text() + "\n")
    assert version() not in ("", first)


def test_without_a_list_of_files_nobody_knows_whether_a_release_was_edited(good):
    next(good.parent.glob("dist_good-*.dist-info/RECORD")).unlink()
    assert version().startswith("sha256.")


def test_data_of_a_package_counts_and_so_do_the_packages_beside_it_that_it_imports(site):
    site.install("good", "from helping import answer\n" + GOOD)
    make_editable(site.folder / f"{MODULE}.py")
    helping = site.folder / "helping"
    helping.mkdir()
    (helping / "__init__.py").write_text("import json\nanswer = json.loads('42')\n")
    (site.folder / "stranger.py").write_text("")
    seen = {version()}
    (helping / "table.toml").write_text("a = 1")
    seen.add(version())
    (helping / "table.toml").write_text("a = 2")
    seen.add(version())
    assert len(seen) == 3
    (site.folder / "stranger.py").write_text("changed = True")
    assert version() in seen


def test_a_version_is_looked_for_only_where_it_is_wanted(good, monkeypatch):
    make_editable(good)
    asked = []
    monkeypatch.setattr("emonet_bench.plugins.discovery.code_version", lambda point: asked.append(point.name) or "x")
    plugins = Plugins(Selection(names=("good",)))
    assert asked == []
    assert plugins.versions() == plugins.versions() == {"good": "2.3+x"}
    assert asked == ["good"]


def test_a_package_that_is_not_there_has_no_code(site):
    site.install("gone", GOOD)
    (site.folder / "dist_gone_module.py").unlink()
    assert version("gone") == ""


def test_the_built_in_plugins_keep_the_same_rule():
    editable = json.loads(distribution("emonet-bench").read_text("direct_url.json") or "{}").get("dir_info", {})
    if not editable.get("editable"):
        pytest.skip("emonet-bench is installed as a release here")
    assert all("+sha256." in version for version in Plugins().versions().values())
    assert "emonet_bench" in sys.modules
