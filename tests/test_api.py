"""The public API: what docs/api.md lists is there, and plugins of this repository import nothing else."""

import ast
import importlib.util
import inspect
import re
import tomllib
from pathlib import Path

import pytest

from emonet_bench import hookspecs

ROOT = Path(__file__).parents[1]


def generator():
    spec = importlib.util.spec_from_file_location("docs_api", ROOT / "docs" / "api.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


API = generator()
PLUGINS = sorted(
    path
    for folder in ("plugins", "corpora", "emonet_bench/cli/templates")
    for path in (ROOT / folder).rglob("*.py*")
    if path.suffix in (".py", ".template") and ".py" in path.name and "__pycache__" not in path.parts
)


def imported(path):
    """List what a module imports from the host: pairs of module and name."""
    text = re.sub(r"\$\{?(\w+)\}?", r"\1", path.read_text(encoding="utf-8"))  # a template's placeholders
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "emonet_bench":
            yield from ((node.module, alias.name) for alias in node.names)


def test_the_page_says_what_the_code_says():
    assert API.PAGE.read_text(encoding="utf-8") == API.page(), "python docs/api.py writes it anew"


def test_the_page_of_descriptors_says_what_the_code_says():
    assert API.DESCRIPTORS.read_text(encoding="utf-8") == API.descriptors(), "python docs/api.py writes it anew"


@pytest.mark.parametrize("kind", sorted(name for name in vars(hookspecs) if name.startswith("emonet_")))
def test_what_a_registering_hook_returns_is_described(kind):
    found = re.findall(r"Iterable\[(\w+)\]", str(inspect.signature(getattr(hookspecs, kind)).return_annotation))
    assert all(f"<!-- emonet_bench.types.{name} -->" in API.DESCRIPTORS.read_text(encoding="utf-8") for name in found)


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_plugin_imports_public_names_only(path):
    if "tests" in path.parts:
        pytest.skip("a test may look inside")
    private = [f"{module}.{name}" for module, name in imported(path) if name not in API.PUBLIC.get(module, ())]
    assert private == []


def test_every_name_that_a_template_imports_is_explained_beside_the_list_of_names():
    pages = "\n".join((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in ("descriptors", "hooks"))
    templates = [path for path in PLUGINS if path.suffix == ".template"]
    imported_names = {f"{module}.{name}" for path in templates for module, name in imported(path)}
    assert len(imported_names) > 20
    assert [name for name in sorted(imported_names) if not re.search(rf"\b{name.rpartition('.')[2]}\b", pages)] == []


def test_every_public_name_has_a_use_outside_of_the_host():
    """In a template, a plugin, a page beside the list of names, or a public signature; else it is promised to nobody."""
    pages = [path for path in ROOT.glob("docs/*.md") if path != API.PAGE]
    text = "\n".join(path.read_text(encoding="utf-8") for path in (*PLUGINS, *pages))
    signatures = re.findall(r"^(?:(?:class|def) \w+|- `\w+)(\(.*)$", API.page(), re.MULTILINE)
    words = set(re.findall(r"\w+", "\n".join([text, *signatures])))
    assert [f"{module}.{name}" for module in API.PUBLIC for name in API.PUBLIC[module] if name not in words] == []


def test_the_page_has_no_entry_without_a_sentence():
    entries = re.split(r"^### ", API.page(), flags=re.MULTILINE)[1:]
    bare = [entry.split("\n")[0] for entry in entries if "```" in entry and not re.search(r"```\n\n\S", entry)]
    assert bare == []


def test_import_linter_forbids_plugins_every_module_that_is_not_public():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [one for one in project["tool"]["importlinter"]["contracts"] if "docs/api.md" in one["name"]]
    host = ROOT / "emonet_bench"
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in host.rglob("*.py")
    }
    public = {module for module in modules if any(f"{name}.".startswith(f"{module}.") for name in API.PUBLIC)}
    forbidden = contract["forbidden_modules"]
    left = {module for module in modules - public if not any(f"{module}.".startswith(f"{name}.") for name in forbidden)}
    assert left == {"emonet_bench.__main__"}
    assert [name for name in forbidden if name in public] == []
