"""``emonet-bench plugins new``: an installable package to start from."""

from __future__ import annotations

import keyword
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from string import Template

from emonet_bench import __version__
from emonet_bench.errors import ConfigError
from emonet_bench.files import write_text
from emonet_bench.types import check_name

TEMPLATES = Path(__file__).with_name("templates")
_RUN = "emonet-bench run matrix --limit 8"
TRIED = {
    "corpus": f"{_RUN} --corpora {{name}}",
    "architecture": f"{_RUN} --architectures {{name}}",
    "strategy": f"{_RUN} --strategies {{name}}",
    "loss": f"{_RUN} --set training.loss={{name}}",
    "optimizer": f"{_RUN} --set training.optimizer={{name}}",
    "metric": f"{_RUN} && emonet-bench report --metric {{name}}",
    "augmentation": f"{_RUN} --set 'training.augment=[\"{{name}}\"]'",
    "report": f"{_RUN} && emonet-bench report --format {{name}}",
    "executor": f"{_RUN} --executor {{name}}",
    "hooks": _RUN,
}
"""Kinds of plugins, each with the command that tries one."""

INSTALLED = ('pip install -e ".[test]"', "pytest")
"""How a package that was written is installed and tested, in quotes that every shell knows."""

_WORDS = {"optimizer": "optimiser", "report": "report format", "hooks": "plugin"}
"""What kinds are called in sentences."""


def write_package(name: str, kind: str, parent: Path) -> list[Path]:
    """Write a package that registers one thing of a kind.

    Args:
        name: Of the distribution, its entry point and what it registers.
        kind: One of ``TRIED``.
        parent: The directory in which a new one of that name is made.

    Returns:
        The files written.

    Raises:
        ConfigError: The name cannot be used, or the directory is there already.
    """
    package, folder = package_name(name), parent / name
    if os.path.lexists(folder):  # a link that leads nowhere, too
        raise ConfigError(f"{folder}: is there already; choose another name or directory")
    major, minor = __version__.split(".")[:2]
    pin = f">={major}.{minor},<{major}.{int(minor) + 1}"  # public names may change with the next minor release
    words = {"name": name, "kind": kind, "word": _WORDS.get(kind, kind), "package": package, "pin": pin}
    words |= {"tried": TRIED[kind].format(name=name), "installed": "\n".join(INSTALLED)}
    written = []
    for template, target in _files(kind, package):
        text = Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words)
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
        written.append(path)
    return written


def package_name(name: str) -> str:
    """Turn a plugin's name into that of its package.

    Raises:
        ConfigError: It cannot be one, or there is a module of that name.

    >>> package_name("my-net")
    'my_net'
    """
    check_name("plugin", name)
    package = name.lower().replace("-", "_")
    if not package.isidentifier() or keyword.iskeyword(package):
        raise ConfigError(f"plugin name {name!r}: {package!r} cannot be imported; choose a name such as my-{name}")
    if find_spec(package) is not None:
        raise ConfigError(
            f"plugin name {name!r}: there is a module {package!r} already; choose another, such as my-{name}"
        )
    return package


def _files(kind: str, package: str) -> Iterator[tuple[str, str]]:
    yield "pyproject.toml.template", "pyproject.toml"
    yield "README.md.template", "README.md"
    yield f"{kind}.py.template", f"{package}/__init__.py"
    for extra in sorted(TEMPLATES.glob(f"{kind}.*.py.template")):
        yield extra.name, f"{package}/{extra.name.split('.')[1]}.py"
    yield "test.py.template", f"tests/test_{package}.py"
