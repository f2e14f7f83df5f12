"""The code of a plugin as part of its version: a hash where the files are not those of an unchanged release.

A plugin that is installed editable, or whose files differ from what its wheel says of them (``RECORD``), is whatever
its author made of it a minute ago; its version number says nothing of that.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

from emonet_bench.plugins.validation import HOST

_HOST_PACKAGE = HOST.replace("-", "_")
_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+(\w+)", re.MULTILINE)


def code_version(entry_point: EntryPoint) -> str:
    """Return what a plugin's code adds to the version of its distribution: ``sha256.1a2b3c4d``, or nothing.

    The code is the package that the entry point names, with the packages beside it that it imports. The host's own
    package is not part of it.
    """
    name = entry_point.value.partition(":")[0].partition(".")[0]
    roots = _packages(name, _installed(entry_point.dist))
    if not roots or (entry_point.dist is not None and _as_released(entry_point.dist, roots)):
        return ""
    return f"sha256.{_digest(roots)}"


def _installed(distribution: Distribution | None) -> frozenset[str]:
    """Name the packages and modules at the top of a distribution."""
    files = distribution.files if distribution else None
    return frozenset(Path(str(file)).parts[0].removesuffix(".py") for file in files or ())


def _packages(name: str, installed: frozenset[str]) -> list[Path]:
    """Find a package (or single module) and all those beside it that it imports, directly or by one another.

    Args:
        name: Its name.
        installed: What its distribution installs; among installed packages nothing else is the plugin's.
    """
    found: dict[str, Path] = {}
    wanted = [name]
    while wanted:
        name = wanted.pop()
        if name in found or name == _HOST_PACKAGE:
            continue
        path = _beside(next(iter(found.values())), name, installed) if found else _located(name)
        if path is None:
            continue
        found[name] = path
        for file in _files(path):
            if file.suffix == ".py":
                wanted += sorted(_imports(_state(file)))
    return list(found.values())


def _located(name: str) -> Path | None:
    """Find a top-level package or module without importing it."""
    module = sys.modules.get(name)
    try:
        spec = module.__spec__ if module else importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    for place in spec.submodule_search_locations or ():
        return Path(place)
    return Path(spec.origin) if spec.has_location and spec.origin else None


def _beside(package: Path, name: str, installed: frozenset[str]) -> Path | None:
    """Find a package beside another one, by its name."""
    among_others = package.parent.name in ("site-packages", "dist-packages")
    if name in sys.stdlib_module_names or (among_others and name not in installed):
        return None
    paths = (package.parent / name, package.parent / f"{name}.py")
    return next((path for path in paths if path.exists()), None)


def _files(root: Path) -> Iterator[Path]:
    """Yield the files of a package in a fixed order, without what Python and editors leave there."""
    if root.is_file():
        yield root
        return
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if not hidden and path.suffix != ".pyc" and path.is_file():
            yield path


State = tuple[Path, int, int]
"""A file, its size and when it was changed: what its content is remembered by."""


def _state(path: Path) -> State:
    found = path.stat()
    return path, found.st_size, found.st_mtime_ns


@cache
def _imports(state: State) -> frozenset[str]:
    return frozenset(_IMPORT.findall(state[0].read_text(encoding="utf-8", errors="replace")))


@cache
def _sha256(state: State) -> bytes:
    return hashlib.sha256(state[0].read_bytes()).digest()


def _digest(roots: Iterable[Path]) -> str:
    """Hash names and contents of all files; where the packages lie makes no difference."""
    whole = hashlib.sha256()
    for root in sorted(roots, key=lambda root: root.name):
        for file in _files(root):
            name = file.relative_to(root.parent).as_posix()
            whole.update(name.encode(errors="surrogateescape") + b"\0" + _sha256(_state(file)))
    return whole.hexdigest()[:8]


def _as_released(distribution: Distribution, roots: Iterable[Path]) -> bool:
    """Tell whether files are exactly what a wheel has installed; False where that cannot be told."""
    if _editable(distribution):
        return False
    recorded = {
        Path(str(distribution.locate_file(file))).resolve(): file.hash for file in distribution.files or () if file.hash
    }
    for root in roots:
        for file in _files(root):
            known = recorded.get(file.resolve())
            if known is None or known.mode != "sha256" or known.value != _as_recorded(_sha256(_state(file))):
                return False
    return True


def _editable(distribution: Distribution) -> bool:
    try:
        told = json.loads(distribution.read_text("direct_url.json") or "{}")
        return bool(told.get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError):
        return True


def _as_recorded(digest: bytes) -> str:
    """Write a hash as ``RECORD`` does: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
