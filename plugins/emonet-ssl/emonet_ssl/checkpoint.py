"""Finding a checkpoint, and telling one from another, before anything is imported that could read it."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from emonet_bench.errors import ConfigError

_FILES = ("*config.json", "*.safetensors", "*.bin")  # all that a network is made of
_ON_HUB = re.compile(r"\w[\w.-]*/[\w.-]+")


def identify(checkpoint: str, family: str, wanted: str | None = None) -> str:
    """Return a checkpoint's identity.

    Args:
        checkpoint: A directory, or a name on the hub.
        family: What its ``config.json`` must call the model.
        wanted: The identity that it must have; of one on the hub, the commit that is taken.

    Returns:
        The SHA-256 of the directory's files, or the hub's commit.

    Raises:
        ConfigError: It is missing, of another family or not the wanted one.
    """
    directory = Path(checkpoint).expanduser()
    if directory.is_dir():
        found = f"sha256:{_digest(_files(directory, family))}"
    else:
        config = _from_hub(checkpoint, family, wanted)
        directory, found = config.parent, config.parent.name
    model = _config(directory / "config.json", family).get("model_type")
    if model != family:
        raise ConfigError(
            f"options.{family}.checkpoint: {checkpoint} holds a {model!r} model; name its own architecture instead"
        )
    if wanted not in (None, found):
        raise ConfigError(
            f"options.{family}.weights: {checkpoint} is {found}, not {wanted}: its files have changed since; "
            "bring the old ones back, or run anew without 'weights'"
        )
    return found


def location(checkpoint: str, identity: str) -> tuple[str, dict[str, Any]]:
    """Return what ``from_pretrained`` takes; of a directory, nothing is asked of the hub."""
    directory = Path(checkpoint).expanduser()
    if directory.is_dir():
        return str(directory), {"local_files_only": True}
    return checkpoint, {"revision": identity}


def _files(directory: Path, family: str) -> tuple[tuple[Path, int, int], ...]:
    """List the files that matter, with sizes and times."""
    files = sorted({path for pattern in _FILES for path in directory.glob(pattern)})
    if not any(path.suffix in (".safetensors", ".bin") for path in files):
        raise ConfigError(
            f"options.{family}.checkpoint: {directory} holds no weights (model.safetensors); give a directory that "
            "save_pretrained wrote"
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


def _from_hub(checkpoint: str, family: str, commit: str | None) -> Path:
    """Return where the configuration lies in the hub's cache: in the folder of its commit."""
    where = f"options.{family}.checkpoint: {checkpoint}"
    if not _ON_HUB.fullmatch(checkpoint):
        raise ConfigError(f"{where}: no such directory; give one that save_pretrained wrote, or a name on the hub")
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - half a second

    try:
        return Path(hf_hub_download(checkpoint, "config.json", revision=commit))
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(f"{where}: neither a directory nor to be had from the hub ({reason})") from error


def _config(file: Path, family: str) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"options.{family}.checkpoint: {file} cannot be read ({error}); give a directory that save_pretrained wrote"
        ) from error
    return config
