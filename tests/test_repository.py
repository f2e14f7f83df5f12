"""The repository walked as a whole: what every file must keep to, whoever adds it."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from emonet_bench import hookspecs
from emonet_bench.plugins.loading import Plugins, Selection

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = [ROOT / package for package in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
HOST = ROOT / "emonet_bench"
SOURCES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
HOOKS = [function for name, function in vars(hookspecs).items() if name.startswith("emonet_")]

# What a matrix file or a flag says where the user says nothing; "multi-task" is the word for "all other corpora", too.
DEFAULTS = {
    ("matrix/planning/file.py", "multi-task"),
    ("matrix/planning/file.py", "scratch"),
    ("cli/report.py", "scratch"),
    ("cli/task.py", "multi-task"),  # the command
    ("cli/task_flags.py", "scratch"),
    ("report/tables/table.py", "scratch"),
    ("report/terminal.py", "chance"),  # the heading over chance levels
    ("training/linear_estimators.py", "logistic"),  # kinds of linear models, whatever architectures are named so
    ("training/linear_estimators.py", "ridge"),
    ("training/linear_estimators.py", "svm"),
    ("training/linear_models.py", "svm"),
}


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    package = next(package for package in PACKAGES if path.is_relative_to(package))
    return ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")


@dataclass(frozen=True)
class Facts:
    """What tests ask of a file: a whole tree of each would fill the memory."""

    literals: frozenset[str]
    imports: frozenset[str]
    lengths: list[tuple[str, int]]
    toothless: list[str]


@cache
def parsed(path: Path) -> Facts:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings stand alone
    constants = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in prose]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    tests = [node for node in functions if node.name.startswith("test_")]
    return Facts(
        frozenset(node.value for node in constants if isinstance(node.value, str)),
        frozenset(name for node in nodes for name in imported(node)),
        [(node.name, node.end_lineno - node.lineno + 1) for node in functions],
        [test.name for test in tests if not any(map(asserts, ast.walk(test)))],
    )


def odd(check: Callable[[Path], object], paths: Iterable[Path]) -> dict[str, object]:
    """Name the files of which a check finds something, with what it finds."""
    return {shown(path): found for path in paths if (found := check(path))}


@pytest.fixture(scope="module")
def registered():
    plugins = Plugins(Selection(strict=True))
    return {*plugins.corpora, *plugins.architectures, *plugins.strategies}


def test_the_host_names_no_corpus_architecture_or_strategy(registered):
    assert {"emodb", "cnn", "scratch"} <= registered

    def named(path):
        allowed = {name for file, name in DEFAULTS if path == HOST / file}
        return (parsed(path).literals & registered) - allowed

    assert odd(named, [path for path in SOURCES if path.is_relative_to(HOST)]) == {}


def asserts(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return isinstance(node, ast.Assert)
    checks = any(keyword.arg == "check" and ast.unparse(keyword.value) == "True" for keyword in node.keywords)
    return checks or re.search(r"raises|warns|assert_|check_", ast.unparse(node.func)) is not None


def test_every_test_can_fail():
    assert odd(lambda path: parsed(path).toothless, TESTS) == {}


def test_no_module_is_over_300_lines_and_no_function_over_60():
    def long(path):
        found = [f"{name}: {lines} lines" for name, lines in parsed(path).lengths if lines > 60]
        whole = len(path.read_text(encoding="utf-8").splitlines())
        return [*found, *([f"{whole} lines"] if path in SOURCES and whole > 300 else [])]

    assert odd(long, [*SOURCES, *TESTS]) == {}


def test_examples_in_docstrings_are_true():
    def failed(path):
        return doctest.testmod(importlib.import_module(module_name(path))).failed

    importable = [path for path in SOURCES if path.name != "__main__.py"]  # importing that runs the program
    assert odd(failed, importable) == {}


STATEMENTS = [
    "import emonet_bench",
    "import emonet_bench.hookspecs",
    "import emonet_bench.config",
    "import emonet_bench.runs.spec",
    "import emonet_bench.metrics",
    "import emonet_bench.report",
    "import emonet_bench.deploy",
    "import emonet_bench.cli",
    "from emonet_bench.plugins.loading import Plugins, Selection; Plugins(Selection(strict=True))",
]


def test_torch_is_imported_only_for_work():
    script = "import sys\nfor one in sys.argv[1:]:\n    exec(one)\n    assert 'torch' not in sys.modules, one"
    done = subprocess.run([sys.executable, "-c", script, *STATEMENTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def importable():
    """Top-level modules of the declared dependencies, of the standard library and of the wheel itself."""
    project = PROJECT["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    declared = {re.match(r"[A-Za-z0-9_-]+", line)[0].lower() for line in lines}
    modules = {
        module
        for module, distributions in packages_distributions().items()
        if any(distribution.lower() in declared for distribution in distributions)
    }
    modules |= {name.replace("-", "_") for name in declared}  # of extras that are not installed here
    return {*modules, *sys.stdlib_module_names, *(package.name for package in PACKAGES)}


def test_everything_imported_is_declared(importable):
    def undeclared(path):
        allowed = {"pytest"} if path.is_relative_to(HOST / "testing") else set()  # who tests a plugin has it
        return parsed(path).imports - importable - allowed

    assert odd(undeclared, SOURCES) == {}


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    from hatchling.builders.wheel import WheelBuilder

    (path,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_the_wheel_holds_every_file_of_every_package(wheel):
    expected = {
        path.relative_to(package.parent).as_posix()
        for package in PACKAGES
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"emonet_bench/py.typed", "emonet_bench/cli/demo.toml", "emonet_corpora/cards/emodb.toml"} <= expected
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected


def test_the_wheel_registers_every_built_in_plugin(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith("/entry_points.txt")]
    text = wheel.read(name).decode()
    assert "emonet-bench = emonet_bench.cli:main" in text
    for package in PACKAGES[1:]:
        assert f"{package.name.removeprefix('emonet_')} = {package.name}\n" in text + "\n"


def test_the_docs_have_a_section_for_every_hook_with_its_arguments():
    text = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (.+)$", text, re.MULTILINE)
    expected = [f"{hook.__name__}({', '.join(inspect.signature(hook).parameters)})" for hook in HOOKS]
    assert sorted(headings) == sorted(expected)


def test_versions_agree():
    version = PROJECT["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    (ruff,) = [line for line in PROJECT["dependency-groups"]["lint"] if line.startswith("ruff==")]
    assert f"rev: v{ruff.removeprefix('ruff==')} " in (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
