"""Build hook of emonet-predict: the modules of emonet-bench that prediction needs, under the package's own name.

The two distributions share their sources and no file: each can be installed and removed without the other. So the
modules are copied while a wheel or a source distribution is built, and ``emonet_bench`` in them is renamed.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

THEIRS, OURS = "emonet_bench", "emonet_predict"


class SharedModules(BuildHookInterface):  # type: ignore[type-arg]
    """Copies the modules that ``pyproject.toml`` names, where they are not there already."""

    _staged: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Copy and rename the modules, and have them packed.

        Raises:
            ValueError: The package is to be editable, or its sources are not there.
        """
        if version == "editable":
            raise ValueError("emonet-predict: cannot be editable; install emonet-bench so, it has the same command")
        root = Path(self.root).resolve()
        if (root / OURS / "deploy").is_dir():  # unpacked from a source distribution
            return
        sources = root.parent / THEIRS
        if not sources.is_dir():
            raise ValueError(f"emonet-predict: {sources} is missing; build it within a checkout of emonet-bench")
        self._staged = Path(mkdtemp())
        for name in self.config["modules"]:
            _copy(sources / name, self._staged / name)
            build_data["force_include"][str(self._staged / name)] = f"{OURS}/{name}"
        build_data["force_include"][str(root.parent / "LICENSE")] = f"{OURS}/LICENSE"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatch's
        """Remove the copies."""
        if self._staged is not None:
            shutil.rmtree(self._staged)


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copyfile(source, target)
    else:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [target] if target.is_file() else target.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(THEIRS.encode(), OURS.encode()))
