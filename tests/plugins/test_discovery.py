"""Plugin discovery: installed entry points in the order of their names, and single files."""

import json
import sys
from importlib.metadata import EntryPoint, PathDistribution

import pytest

from emonet_bench.errors import ConfigError, PluginError
from emonet_bench.plugins.discovery import GROUP, installed, single_file
from emonet_bench.plugins.registries import DuplicateNameError


@pytest.fixture
def entry_points(monkeypatch):
    """A list of what is installed, to be filled."""
    found = []
    monkeypatch.delenv("EMONET_BENCH_PLUGINS", raising=False)
    monkeypatch.setattr("emonet_bench.plugins.discovery.entry_points", lambda group: found)
    return found


def point(name, value):
    return EntryPoint(name, value, GROUP)


def names(found):
    return [origin.name for origin, _ in found]


def test_all_installed_plugins_are_found_in_the_order_of_their_names(entry_points):
    for name in ("zeta", "alpha"):
        entry_points.append(point(name, f"{name}_module"))
    assert names(installed(None)) == ["alpha", "zeta"]
    assert names(installed(["zeta", "zeta"])) == ["zeta"]
    assert names(installed([])) == []


def test_the_environment_chooses_where_no_names_are_given(entry_points, monkeypatch):
    for name in ("zeta", "alpha", "other"):
        entry_points.append(point(name, f"{name}_module"))
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "zeta, alpha,,zeta")
    assert names(installed(None)) == ["alpha", "zeta"]
    assert names(installed(["other"])) == ["other"]


def test_a_name_that_is_not_installed_is_told_with_where_it_stands(entry_points, monkeypatch):
    entry_points.append(point("good", "good_module"))
    with pytest.raises(ConfigError, match=r"^plugins: no plugin 'goud' is installed; did you mean 'good'\?$"):
        installed(["goud"])
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "goud")
    with pytest.raises(ConfigError, match=r"^EMONET_BENCH_PLUGINS: no plugin 'goud'"):
        installed(None)


def test_one_name_of_two_packages_is_fatal_and_the_same_one_found_twice_is_not(entry_points):
    entry_points += [point("same", "first_module"), point("same", "first_module")]
    assert names(installed(None)) == ["same"]
    entry_points.append(point("same", "second_module"))
    with pytest.raises(DuplicateNameError, match=r"'same' is installed twice: first_module .*second_module"):
        installed(None)


def test_finding_a_plugin_imports_nothing(entry_points):
    entry_points.append(point("absent", "surely_not_installed"))
    ((_, load),) = installed(None)
    with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
        load()


def test_an_unreadable_requirement_costs_only_its_plugin(entry_points, tmp_path):
    info = tmp_path / "odd-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\nRequires-Dist: numpy (>=1.x\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nodd = odd_module\n")
    entry_points += [*PathDistribution(info).entry_points, point("good", "json")]
    (_, good), (origin, odd) = installed(None)
    assert (origin.release, origin.needs) == ("1.0", "")
    assert good().__name__ == "json"
    with pytest.raises(PluginError, match="a requirement of odd cannot be read"):
        odd()


def test_a_packages_metadata_are_read_once_whatever_it_registers(entry_points, tmp_path):
    read = []

    class Watched(PathDistribution):
        def read_text(self, filename):
            read.append(filename)
            return super().read_text(filename)

    info = tmp_path / "many-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: many\nVersion: 1.0\nRequires-Dist: emonet-bench>=0.1\n"
    )
    (info / "entry_points.txt").write_text(f"[{GROUP}]\none = json\ntwo = json\n")
    entry_points += Watched(info).entry_points
    assert [(origin.release, origin.needs, load().__name__) for origin, load in installed(None)] == [
        ("1.0", "emonet-bench>=0.1", "json")
    ] * 2
    assert read.count("METADATA") == 1


def test_a_files_version_is_its_content(tmp_path):
    path = tmp_path / "mine.py"
    versions = []
    for content in ("ANSWER = 1", "ANSWER = 2", "ANSWER = 1"):
        path.write_text(content)
        versions.append(single_file(path)[0].version)
    assert versions[0] == versions[2] != versions[1]
    assert versions[0].startswith("sha256:")


def test_a_file_is_imported_under_a_name_of_its_own(tmp_path, monkeypatch):
    path = tmp_path / "json.py"
    path.write_text("ANSWER = 42")
    monkeypatch.setitem(sys.modules, f"{GROUP}_plugin_json", None)  # and taken away afterwards
    origin, load = single_file(path)
    assert load().ANSWER == 42
    assert (origin.name, origin.source) == ("json", str(path))
    assert not hasattr(json, "ANSWER")


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent.py", r"cannot be read \(No such file"), ("plugin.txt", r"must end in \.py"), ("x" * 300 + ".py", "name too long")],
)  # fmt: skip
def test_a_file_that_is_no_plugin_is_the_users_error(tmp_path, name, message):
    with pytest.raises(ConfigError, match=rf"--plugin .*{name}: .*(?i:{message})"):
        single_file(tmp_path / name)
