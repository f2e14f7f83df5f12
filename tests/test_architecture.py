"""ARCHITECTURE.md is true: its files are there, its functions are in them, and it has every room."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def defined(path):
    """Names that a module defines, methods as ``Class.method``."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return names


def test_every_file_it_names_exists():
    files = re.findall(r"`([\w/.-]+\.(?:py|md|toml))`", TEXT)
    assert len(files) > 40
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_every_function_it_names_is_defined_in_a_module_that_it_names():
    named = set(re.findall(r"`([A-Za-z_]\w*(?:\.\w+)?)`", TEXT)) - {"embed", "cli"}
    known = set().union(*(defined(ROOT / file) for file in re.findall(r"`(emonet_bench/[\w/]+\.py)`", TEXT)))
    assert len(named) > 15
    assert named - known - {"emonet_bench"} == set()


def test_a_change_inside_the_host_takes_at_most_three_files_and_all_of_them_exist():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| (`emonet_bench/[^|]+) \|$", page, re.MULTILINE)
    files = {change: re.findall(r"`(emonet_bench/[\w/]+\.py)`", named) for change, named in rows}
    assert len(files) >= 12
    assert [change for change, named in files.items() if not 1 <= len(named) <= 3] == []
    assert [file for named in files.values() for file in named if not (ROOT / file).is_file()] == []


def test_it_draws_every_room():
    rooms = {path.parent.name for path in (ROOT / "emonet_bench").glob("*/__init__.py")}
    assert rooms - set(re.findall(r"(\w+)/ ·", TEXT)) == set()


def test_it_answers_at_least_twenty_questions():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and "emonet_bench/" in line]
    assert len(rows) >= 20
