"""Lazy packages give each name when it is asked for, and import no more than that takes."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from emonet_bench import audio, testing, types


def told(package):
    """What a package's file tells a type checker: names, by the module that they come from."""
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    return {alias.name: line.module for line in block.body for alias in line.names}


@pytest.mark.parametrize("package", [types, audio, testing])
def test_what_it_gives_is_what_type_checkers_are_told(package):
    names = told(package)
    assert sorted(names) == sorted(package.__all__)
    for name, module in names.items():
        assert getattr(package, name) is getattr(import_module(module), name)


@pytest.mark.parametrize("package", ["types", "audio", "testing"])
def test_a_shell_lists_names_that_nobody_has_asked_for_yet(package):
    code = f"import emonet_bench.{package} as package; print(sorted({{*package.__all__}} - {{*dir(package)}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", [types, audio, testing])
def test_a_name_that_it_has_not_is_said_as_of_any_module(package):
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'Absent'"):
        _ = package.Absent


def test_one_name_imports_its_own_module_alone():
    code = "import sys; from emonet_bench.types import InputSpec; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = {name for name in done.stdout.split() if name.startswith("emonet_bench.types.")}
    assert own == {"emonet_bench.types.input_spec"}
