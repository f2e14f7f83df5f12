"""Pulling an exported model: nothing is left of one that is not sound."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from emonet_bench.errors import ConfigError
from emonet_hub.client import client, reached
from emonet_hub.package import Package, digest_of, read_package

_MODEL = re.compile(r"\w[\w.-]*\.onnx")  # a single name that leads nowhere
_CARD = "README.md"


def pull(repo: str, output: Path, sha256: str | None = None, file: str | None = None) -> Package:
    """Pull an exported model with its description and its card.

    Args:
        repo: ``OWNER/NAME``, or ``OWNER/NAME@REVISION``.
        output: The directory in which it appears once it is verified.
        sha256: The digest that it must have; None: the one that its description says.
        file: Its name, where the repository has several.

    Raises:
        ConfigError: It is not there, not sound or another one, or the hub refuses.
    """
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ConfigError(f"--sha256 {sha256[:80]}: give 64 hexadecimal digits")
    name, _, revision = repo.partition("@")
    try:
        output.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=output, prefix=".hub-") as folder:
            model = _fetch(name, revision or None, Path(folder), file)
            if sha256 is not None and (found := digest_of(model)) != sha256.lower():
                raise ConfigError(f"{repo}: {model.name} has the SHA-256 {found}, and not {sha256.lower()}")
            return replace(_verified(repo, model), model=_put(model, output))
    except OSError as error:
        raise ConfigError(f"-o {output}: cannot be written ({error.strerror}); name another directory") from error


def _fetch(repo: str, revision: str | None, folder: Path, file: str | None) -> Path:
    """Fetch the files of one commit, whatever is pushed meanwhile."""
    with reached(repo):
        api = client()
        info = api.model_info(repo, revision=revision)
        names = {one.rfilename for one in info.siblings or ()}
        model = _chosen(repo, names, file)
        card = [_CARD] if _CARD in names else []
        for name in (model, Path(model).with_suffix(".json").name, *card):
            api.hf_hub_download(repo, name, revision=info.sha, local_dir=folder)
    return folder / model


def _verified(repo: str, model: Path) -> Package:
    try:
        return read_package(model)
    except ConfigError as error:
        told = str(error).replace(f"{model.parent}/", "")
        raise ConfigError(f"{repo}: {told} (nothing of it was kept)") from error


def _chosen(repo: str, names: set[str], file: str | None) -> str:
    described = [name for name in sorted(names) if _MODEL.fullmatch(name) and f"{name[:-5]}.json" in names]
    wanted = [name for name in described if file in (None, name)]
    if not wanted:
        raise ConfigError(
            f"{repo}: has no {file or 'model'} with a description; it was not pushed by 'emonet-bench hub push'"
        )
    if len(wanted) > 1:
        raise ConfigError(f"{repo}: has several models; name one by --file: {', '.join(wanted)}")
    return wanted[0]


def _put(model: Path, output: Path) -> Path:
    """Move what was verified into its place, the model last."""
    place = output / model.name
    if (card := model.with_name(_CARD)).is_file():
        card.replace(place.with_suffix(".md"))
    model.with_suffix(".json").replace(place.with_suffix(".json"))
    return model.replace(place)
