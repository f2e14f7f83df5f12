"""Packages that depend on the host, installed against the working tree: their own suites pass. ``tox -e downstream`` runs this."""

from __future__ import annotations

import shutil

import pytest

from emonet_bench.cli.scaffold import FLAGS, write_package
from tests.test_readme import ROOT, typed
from tests.test_tutorial import shared_environment

PACKAGES = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))


@pytest.fixture
def tested(tmp_path, monkeypatch):
    """Install a package into an environment of its own, look for it in the list of plugins, and run its suite."""
    monkeypatch.delenv("EMONET_BENCH_PLUGINS", raising=False)
    binaries = shared_environment(tmp_path / "environment")

    def run(package):
        typed(f"pip install {package}", tmp_path, binaries=binaries, minutes=10)
        listed = typed("emonet-bench --strict plugins list", tmp_path, binaries=binaries)
        return listed, typed("pytest -q", package, binaries=binaries, minutes=10)

    return run


@pytest.mark.network
@pytest.mark.downstream
@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_in_plugins_passes_its_own_suite(name, tested, tmp_path):
    package = shutil.copytree(ROOT / "plugins" / name, tmp_path / name)  # building leaves nothing in the working tree
    listed, suite = tested(package)
    assert name.removeprefix("emonet-") in listed
    assert " passed" in suite


@pytest.mark.network
@pytest.mark.downstream
@pytest.mark.parametrize("kind", FLAGS)
def test_a_package_from_the_templates_passes_its_own_suite(kind, tested, tmp_path):
    name = f"outside-{kind}"
    write_package(name, kind, tmp_path)
    listed, suite = tested(tmp_path / name)
    assert name in listed
    assert "1 passed" in suite
