"""Packages that depend on the host, installed against the working tree: their own suites pass. ``tox -e downstream`` runs this."""

from __future__ import annotations

import shutil
import tomllib

import pytest

from emonet_bench.cli.scaffold import TRIED
from tests.test_light_distribution import built
from tests.test_readme import ROOT, typed
from tests.test_tutorial import shared_environment

PACKAGES = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))
OUTSIDE = {f"outside-{kind}": kind for kind in TRIED}


def installs(test):
    """Mark a test that needs the package registry and minutes."""
    return pytest.mark.network(pytest.mark.downstream(test))


def needed(package):
    """Return the extra that a package's tests need, where it has one."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return "[test]" if "test" in project.get("optional-dependencies", {}) else ""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory outside of the repository, with every package in plugins/ and one of each kind from the templates."""
    directory = tmp_path_factory.mktemp("downstream")
    for name in PACKAGES:
        shutil.copytree(ROOT / "plugins" / name, directory / name)  # building leaves nothing in the working tree
    yield directory
    shutil.rmtree(directory)  # gigabytes, of which pytest would keep three


@pytest.fixture(scope="module")
def binaries(place):
    """An environment in which all of them are installed together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("EMONET_BENCH_PLUGINS", raising=False)
        found = shared_environment(place / "environment")
        for name, kind in OUTSIDE.items():
            typed(f"emonet-bench plugins new {name} --kind {kind}", place, binaries=found)
        # Wheels are built here: pip would make an environment for each.
        wheels = {name: built(place / name, place / "wheels") for name in [*PACKAGES, *OUTSIDE]}
        wanted = [f"'{wheel}{needed(place / name)}'" for name, wheel in wheels.items()]
        typed("pip install " + " ".join(wanted), place, binaries=found, minutes=10)
        yield found


@installs
@pytest.mark.parametrize("name", [*PACKAGES, *OUTSIDE])
def test_a_package_passes_its_own_suite(name, place, binaries):
    suite = typed("pytest -q -p no:cacheprovider", place / name, binaries=binaries, minutes=15)
    assert " passed" in suite
    assert " failed" not in suite


@installs
def test_all_of_them_are_listed_and_none_is_broken(place, binaries):
    listed = typed("COLUMNS=200 emonet-bench --strict plugins list", place, binaries=binaries)
    for name in [*PACKAGES, *OUTSIDE]:
        assert name.removeprefix("emonet-") in listed


@installs
def test_a_broken_one_among_them_is_named_and_the_others_work(place, binaries):
    broken = place / "broken"
    (broken / "torn-1.0.dist-info").mkdir(parents=True)
    (broken / "torn.py").write_text("import surely_not_installed\n", encoding="utf-8")
    (broken / "torn-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: torn\nVersion: 1.0\n")
    (broken / "torn-1.0.dist-info" / "entry_points.txt").write_text("[emonet_bench]\ntorn = torn\n")
    listed = typed("COLUMNS=200 PYTHONPATH=broken emonet-bench plugins list", place, binaries=binaries)
    assert "torn (torn): ModuleNotFoundError: No module named 'surely_not_installed'" in listed
    for name in [*PACKAGES, *OUTSIDE]:
        assert name.removeprefix("emonet-") in listed
    assert (
        typed("! COLUMNS=200 PYTHONPATH=broken emonet-bench --strict plugins list", place, binaries=binaries) == listed
    )
    stopped = typed("! PYTHONPATH=broken emonet-bench --strict corpora list", place, binaries=binaries)
    assert "plugin torn (torn) is broken" in stopped


def test_a_package_uses_public_names_only():
    """Its own modules and names of emonet_bench without an underscore; no plugin that comes with the host."""
    private = {path.name for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").is_file()}
    for module in ROOT.glob("plugins/emonet-*/emonet_*/**/*.py"):
        imported = [line for line in module.read_text(encoding="utf-8").splitlines() if " import " in line]
        for line in imported:
            words = line.replace(",", " ").replace(".", " ").split()
            assert not private & set(words), f"{module}: {line.strip()}"
            if "emonet_bench" in words:
                assert not any(word.startswith("_") for word in words), f"{module}: {line.strip()}"
