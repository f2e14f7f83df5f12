"""``emonet-bench plugins new``: the package it writes, and the names it refuses."""

from __future__ import annotations

import ast
import os
import tomllib

import pytest
from click.testing import CliRunner
from packaging.specifiers import SpecifierSet

from emonet_bench import __version__
from emonet_bench.cli import main
from emonet_bench.cli.scaffold import TRIED, package_name, write_package
from emonet_bench.errors import ConfigError


@pytest.mark.parametrize("kind", TRIED)
def test_each_kind_is_an_installable_package_that_registers_its_name(tmp_path, kind):
    files = write_package("my-net", kind, tmp_path)
    assert sorted(files) == sorted(path for path in (tmp_path / "my-net").rglob("*") if path.is_file())
    told = tomllib.loads((tmp_path / "my-net" / "pyproject.toml").read_text(encoding="utf-8"))
    assert told["project"]["name"] == "my-net"
    assert told["project"]["entry-points"]["emonet_bench"] == {"my-net": "my_net"}
    (host,) = (text for text in told["project"]["dependencies"] if text.startswith("emonet-bench"))
    assert SpecifierSet(host.removeprefix("emonet-bench")).contains(__version__)
    assert any(text.startswith("pytest") for text in told["project"]["optional-dependencies"]["test"])
    readme = (tmp_path / "my-net" / "README.md").read_text(encoding="utf-8")
    assert 'pip install -e ".[test]"\npytest\n' in readme
    source = (tmp_path / "my-net" / "my_net" / "__init__.py").read_text(encoding="utf-8")
    hooks = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    assert any(name.startswith("emonet_") for name in hooks)
    assert "my-net" in source


@pytest.mark.parametrize("kind", TRIED)
def test_every_file_that_is_written_is_whole(tmp_path, kind):
    for path in write_package("my-net", kind, tmp_path):
        text = path.read_text(encoding="utf-8")
        assert "$" not in text, f"{path}: a word is left"
        if path.suffix == ".py":
            compile(text, path, "exec")


@pytest.mark.parametrize(("name", "package"), [("my-net", "my_net"), ("My-Net2", "my_net2"), ("net_", "net_")])
def test_a_package_is_called_like_its_plugin_in_small_letters(name, package):
    assert package_name(name) == package


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a/b", "use letters"), ("class", "cannot be imported"), ("torch", "there is a module"), ("7", "cannot be imp")],
)
def test_a_name_that_makes_no_package_is_refused(name, reason):
    with pytest.raises(ConfigError, match=f"plugin name '{name}'.*{reason}"):
        package_name(name)


def test_a_new_package_never_overwrites_one(tmp_path):
    arguments = ["plugins", "new", "fresh", "--kind", "strategy", "--directory", str(tmp_path)]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0
    assert f"{tmp_path}{os.sep}fresh{os.sep}pyproject.toml" in first.output
    assert "emonet-bench run matrix --limit 8 --strategies fresh" in first.output
    again = CliRunner().invoke(main, arguments)
    assert again.exit_code == 2
    assert "fresh: is there already" in again.output


@pytest.mark.skipif(os.name == "nt", reason="makes a symbolic link")
def test_a_link_that_leads_nowhere_is_in_the_way_too(tmp_path):
    (tmp_path / "fresh").symlink_to(tmp_path / "absent")
    with pytest.raises(ConfigError, match="fresh: is there already"):
        write_package("fresh", "corpus", tmp_path)
    assert not (tmp_path / "absent").exists()
