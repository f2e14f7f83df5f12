"""Finding a checkpoint, and telling one from another, before anything is imported that could read it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from emonet_bench.errors import ConfigError

_FILES = ("*config.json", "*.safetensors", "*.bin")  # all that a network is made of
_ON_HUB = re.compile(r"\w[\w.-]*/[\w.-]+")


def identify(checkpoint: str, architecture: str, wanted: str | None = None) -> str:
    """Return a checkpoint's identity.

    Args:
        checkpoint: A directory, the name of one in ``EMONET_BENCH_MODELS_DIR``, or a name on the hub.
        architecture: Whose checkpoint it is to be, for the message.
        wanted: The identity that it must have; of one on the hub, the commit that is taken.

    Returns:
        The SHA-256 of the directory's files, or the hub's commit.

    Raises:
        ConfigError: It is missing or not the wanted one.
    """
    directory = directory_of(checkpoint)
    if directory is None:
        found = _from_hub(checkpoint, architecture, wanted).parent.name
    else:
        found = f"sha256:{_digest(_files(directory, architecture))}"
    if wanted not in (None, found):
        raise ConfigError(
            f"options.{architecture}.weights: {checkpoint} is {found}, not {wanted}: its files have changed since; "
            "bring the old ones back, or run anew without 'weights'"
        )
    return found


def configuration(checkpoint: str, architecture: str, identity: str) -> dict[str, Any]:
    """Read a checkpoint's ``config.json``.

    Raises:
        ConfigError: It is missing or damaged.
    """
    directory = directory_of(checkpoint)
    file = _from_hub(checkpoint, architecture, identity) if directory is None else directory / "config.json"
    try:
        config: dict[str, Any] = dict(json.loads(_content(file)).items())
    except (OSError, ValueError, RecursionError, AttributeError) as error:  # the last: it is no object
        raise ConfigError(
            f"options.{architecture}.checkpoint: {file} cannot be read ({error}); give a directory that "
            "save_pretrained wrote"
        ) from error
    return config


def _content(file: Path) -> bytes:
    if file.exists() and not file.is_file():  # a pipe would be waited for
        raise OSError(f"{file.name} is no regular file")
    return file.read_bytes()


def location(checkpoint: str, identity: str) -> tuple[str, dict[str, Any]]:
    """Return what ``from_pretrained`` takes; of a directory, nothing is asked of the hub."""
    directory = directory_of(checkpoint)
    if directory is not None:
        return str(directory), {"local_files_only": True}
    return checkpoint, {"revision": identity}


def directory_of(checkpoint: str) -> Path | None:
    """Return the directory that is meant, looked up here and in ``EMONET_BENCH_MODELS_DIR``; None: there is none."""
    places = [Path(checkpoint).expanduser()]
    if models := os.environ.get("EMONET_BENCH_MODELS_DIR"):
        places.append(Path(models).expanduser() / checkpoint)
    return next((place for place in places if place.is_dir()), None)


def _files(directory: Path, architecture: str) -> tuple[tuple[Path, int, int], ...]:
    """List the files that matter, with sizes and times; a pipe or a folder of such a name is none."""
    files = sorted({path for pattern in _FILES for path in directory.glob(pattern) if path.is_file()})
    if not any(path.suffix in (".safetensors", ".bin") for path in files):
        raise ConfigError(
            f"options.{architecture}.checkpoint: {directory} holds no weights (model.safetensors); give a directory "
            "that save_pretrained wrote"
        )
    return tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files)


@lru_cache
def _digest(files: tuple[tuple[Path, int, int], ...]) -> str:
    """Hash names and contents: read again only where a size or a time is another."""
    digest = hashlib.sha256()
    for path, size, _ in files:
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]


def _from_hub(checkpoint: str, architecture: str, commit: str | None) -> Path:
    """Return where the configuration lies in the hub's cache: in the folder of its commit."""
    where = f"options.{architecture}.checkpoint: {checkpoint}"
    if not _ON_HUB.fullmatch(checkpoint):
        raise ConfigError(
            f"{where}: no such directory, nor one in EMONET_BENCH_MODELS_DIR; give one that save_pretrained wrote, or "
            "a name on the hub"
        )
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - half a second

    try:
        return Path(hf_hub_download(checkpoint, "config.json", revision=commit))
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(f"{where}: neither a directory nor to be had from the hub ({reason})") from error
