"""The user's directories: cache, configuration, and where ``corpora add`` was told that corpora lie."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from emonet_bench.config import read_toml
from emonet_bench.errors import ConfigError
from emonet_bench.files import expanded, write_text
from emonet_bench.types import check_name

FILE = "corpora.toml"
"""The file in the configuration directory that maps names of corpora to directories."""

_FEATURES = "EMONET_BENCH_FEATURES_DIR"


def cache_directory() -> Path:
    """Return ``EMONET_BENCH_CACHE_DIR`` or the user's cache directory.

    Raises:
        ConfigError: Nothing names it, and the user has no home.
    """
    return _directory("EMONET_BENCH_CACHE_DIR", "user_cache_path")


def features_directory() -> Path:
    """Return ``EMONET_BENCH_FEATURES_DIR`` or a folder of the cache directory: where frozen features are kept.

    Raises:
        ConfigError: As ``cache_directory`` does.
    """
    named = os.environ.get(_FEATURES)
    return expanded(Path(named), _FEATURES) if named else cache_directory() / "features"


def config_directory() -> Path:
    """Return ``EMONET_BENCH_CONFIG_DIR`` or the user's configuration directory."""
    return _directory("EMONET_BENCH_CONFIG_DIR", "user_config_path")


def registered() -> dict[str, Path]:
    """Tell where the user has said that corpora lie.

    Raises:
        ConfigError: The file that says it is damaged.
    """
    file = config_directory() / FILE
    entries = read_toml(file) if file.is_file() else {}
    for name, path in entries.items():
        if not isinstance(path, str):
            raise ConfigError(f"{file}: {name}: give the directory as a string; got {path!r}")
    return {name: Path(path) for name, path in entries.items()}


def register(name: str, path: Path) -> Path:
    """Write down where a corpus lies.

    Args:
        name: Its name.
        path: Its directory.

    Returns:
        The file that says so now.

    Raises:
        ConfigError: The name is no name, or the file cannot be written.
    """
    check_name("corpus", name)
    file = config_directory() / FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, _toml({**registered(), name: path.resolve()}))
    except (OSError, UnicodeEncodeError) as error:
        raise ConfigError(
            f"{file}: cannot be written ({error}); EMONET_BENCH_CONFIG_DIR names another place"
        ) from error
    return file


def _toml(places: Mapping[str, Path]) -> str:
    return "".join(f"{_string(name)} = {_string(str(path))}\n" for name, path in sorted(places.items()))


def _string(text: str) -> str:
    # A JSON string is a TOML string, but for DEL, which TOML wants to be escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _directory(variable: str, kind: str) -> Path:
    named = os.environ.get(variable)
    if named:
        return expanded(Path(named), variable)
    import platformdirs  # noqa: PLC0415 - only where it is needed

    if os.path.expanduser("~") == "~":  # noqa: PTH111 - pathlib's raises
        raise ConfigError(f"this user has no home directory; name a directory with {variable}")
    path: Path = getattr(platformdirs, kind)("emonet-bench")
    return path
