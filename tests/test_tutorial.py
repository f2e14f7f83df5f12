"""The tutorial's commands, typed in a fresh environment in its order, for every kind of plugin; and ``plugins new``."""

from __future__ import annotations

import sysconfig
import venv
from pathlib import Path

import pytest
from click.testing import CliRunner

from emonet_bench import testing
from emonet_bench.cli import main
from emonet_bench.cli.scaffold import TRIED, write_package
from emonet_bench.plugins.loading import Plugins, Selection
from tests.in_process import processes_forked
from tests.test_readme import ROOT, commands, typed

MINUTES = 10
PAGE = ROOT / "docs" / "tutorial.md"


@pytest.fixture(scope="module")
def binaries(tmp_path_factory):
    """An environment of the module's own."""
    return shared_environment(tmp_path_factory.mktemp("environment"))


def shared_environment(directory: Path) -> Path:
    """Create an environment with this one's packages, the working tree among them, within reach: torch is there already."""
    venv.create(directory, with_pip=True)
    shared = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    own = sysconfig.get_path("purelib", vars={"base": str(directory)})
    Path(own, "shared.pth").write_text(shared, encoding="utf-8")
    for name, module in (("pytest", "pytest"), ("emonet-bench", "emonet_bench")):
        script = directory / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{directory}/bin/python" -m {module} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return directory / "bin"


def for_kind(command: str, kind: str) -> str:
    """Turn a command of the tutorial into that for another kind."""
    name = "my-net" if kind == "architecture" else f"my-{kind}"
    if command == TRIED["architecture"].format(name="my-net"):
        return TRIED[kind].format(name=name)
    return command.replace("--kind architecture", f"--kind {kind}").replace("my-net", name)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TRIED)
def test_the_tutorial_takes_less_than_ten_minutes(kind, binaries, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")  # pip's way to say: hatchling is here, fetch nothing
    monkeypatch.delenv("EMONET_BENCH_PLUGINS", raising=False)
    monkeypatch.delenv("EMONET_BENCH_CORPORA_DIR", raising=False)
    story = [for_kind(command, kind) for command in commands(PAGE)]
    assert story[0].startswith("emonet-bench plugins new")
    printed = typed("set -e\n" + "\n".join(story), tmp_path, binaries=binaries, minutes=MINUTES)
    assert "1 passed" in printed
    assert "BROKEN" not in printed
    assert " finished" in printed


@pytest.mark.parametrize("kind", TRIED)
def test_a_new_package_is_a_plugin_that_works(kind, tmp_path, monkeypatch):
    name = f"fresh-{kind}"
    written = write_package(name, kind, tmp_path)
    assert {path.name for path in written} >= {"pyproject.toml", "README.md", "__init__.py", f"test_fresh_{kind}.py"}
    monkeypatch.syspath_prepend(str(tmp_path / name))
    assert not any("$" in path.read_text(encoding="utf-8") for path in written)
    plugins = Plugins(Selection(names=(), files=(tmp_path / name / f"fresh_{kind}" / "__init__.py",), strict=True))
    (origin,) = plugins.origins
    registered = {"report": "report-format"}.get(kind, kind)
    assert origin.registers == ([] if kind == "hooks" else [f"{registered} {name}"])


QUICK = ["loss", "metric", "optimizer", "augmentation", "report"]
"""Kinds whose kits take no time."""


@pytest.mark.parametrize("kind", [*QUICK, "hooks"])
def test_a_new_package_keeps_the_contracts_of_its_kind(kind, tmp_path, monkeypatch):
    name = f"young-{kind}"
    write_package(name, kind, tmp_path)
    package = f"young_{kind}"
    monkeypatch.syspath_prepend(str(tmp_path / name))
    plugins = Plugins(Selection(names=(), files=(tmp_path / name / package / "__init__.py",), strict=True))
    if kind == "hooks":
        testing.check_hooks("__init__", plugins)
        return
    registry = {
        "loss": plugins.losses,
        "metric": plugins.metrics,
        "optimizer": plugins.optimizers,
        "augmentation": plugins.augmentations,
        "report": plugins.report_formats,
    }
    getattr(testing, f"check_{kind}")(registry[kind][name])


BROKEN_PLUGIN = """
from emonet_bench import hookimpl
from emonet_bench.config import Options, option
from emonet_bench.types import Architecture, Corpus, ParameterGroup, Plan, SplitRule, Strategy, Utterance
from emonet_bench.errors import CorpusError, Skipped

def prepare(network, corpora, source, options):
    from emonet_bench.networks import build_classifier
    made = build_classifier(network, corpora)
    return Plan(made, [ParameterGroup(list(made.heads.parameters()))])

def absent():
    raise CorpusError("corpus far: no audio; get it from https://example.org")

def picky(network, corpora, source, options):
    raise Skipped("only for mirrors")

class NeedsAFile(Options):
    file: str = option(..., "Weights to start from.")

@hookimpl
def emonet_strategies():
    return [Strategy("leaky", Options, prepare), Strategy("picky", Options, picky)]

@hookimpl
def emonet_architectures():
    return [Architecture("filed", "toy", NeedsAFile, build=None)]

@hookimpl
def emonet_corpora(config):
    return [Corpus("far", ("a", "b"), absent, {"loso": SplitRule(folds="each")})]
"""


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """Run ``plugins check`` with a plugin that breaks a contract."""
    path = tmp_path_factory.mktemp("broken") / "mine.py"
    path.write_text(BROKEN_PLUGIN, encoding="utf-8")
    return lambda name: CliRunner().invoke(main, ["--plugin", str(path), "plugins", "check", name])


@pytest.fixture(scope="module")
def checked(check):
    """What a check of the plugin says."""
    return check("mine")


def test_a_check_reports_every_contract_and_where_a_broken_one_is_written(checked):
    assert checked.exit_code == 1
    lines = checked.output.splitlines()
    assert "corpus far" in lines
    assert "  not checked: corpus far: no audio; get it from https://example.org" in lines
    assert "strategy leaky" in lines
    assert sum(line.startswith("  kept ") for line in lines) >= 5
    (seen,) = [line for line in lines if line.startswith("          seen: ") and "no group" in line]
    assert "trainable and in no group" in seen
    assert "          see docs/contracts.md#strategy-groups" in lines
    kept, broken = (sum(line.startswith(f"  {word} ") for line in lines) for word in ("kept", "BROKEN"))
    assert lines[-1] == f"{kept} contracts kept, {broken} broken; 3 of 4 could not be checked here."


def test_a_check_says_what_cannot_be_checked_here(checked):
    lines = checked.output.splitlines()
    filed, picky = (lines[lines.index(title) + 1] for title in ("architecture filed", "strategy picky"))
    assert filed == "  not checked: filed.file: field required; give it a value (--set NAME=VALUE)"
    assert picky.startswith("  not checked: it skips the kit's network (only for mirrors); its own tests can give")


@pytest.mark.parametrize("name", ["far", "filed", "picky"])
def test_where_nothing_can_be_checked_the_check_has_not_succeeded(check, name):
    with processes_forked():
        run = check(name)
    assert run.exit_code == 1
    assert run.output.splitlines()[-1] == "Nothing was checked; 1 of 1 could not be checked here."


def test_a_check_of_one_thing_leaves_the_others_alone(check):
    with processes_forked():
        run = check("sgd")
    assert run.exit_code == 0, run.output
    assert run.output.splitlines()[0] == "optimizer sgd"
    assert "strategy leaky" not in run.output
    assert "BROKEN" not in run.output
