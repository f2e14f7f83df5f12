"""An exported package: a model, the description beside it, and its card."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emonet_bench.deploy import verify_model
from emonet_bench.deploy.licence import restricts_use
from emonet_bench.errors import ConfigError

LONGEST = 16 * 2**20
"""Bytes of a description or a card; what is longer is none of ours."""


@dataclass(frozen=True)
class Package:
    """A model that was verified, with what its description says.

    Attributes:
        model: The ``.onnx`` file.
        sha256: Its digest.
        corpus: What it was trained on.
        licence: Terms of that corpus's audio.
        synthetic: Whether that audio is generated.
    """

    model: Path
    sha256: str
    corpus: str
    licence: str
    synthetic: bool

    @property
    def restricted(self) -> bool:
        """Whether the terms are for research, or for no commercial use."""
        return restricts_use(self.licence)

    @property
    def publishable(self) -> bool:
        """Whether the terms are known and restrict nothing; generated audio has none."""
        return self.synthetic or not (self.restricted or self.licence in ("", "unverified") or _asked(self.licence))


def read_package(model: Path) -> Package:
    """Verify an exported model against its description: first the digest, then what it says of the test vectors.

    Raises:
        ConfigError: Something is missing or does not fit.
    """
    place = model.with_suffix(".json")
    if model.suffix != ".onnx":
        raise ConfigError(f"{model}: is no exported model; give the .onnx file that 'emonet-bench export' wrote")
    told, digest = _read(place), digest_of(model)
    if told.get("sha256") != digest:
        raise ConfigError(f"{model}: is not the file that {place.name} describes (SHA-256); fetch both again")
    if problems := verify_model(model).problems:
        raise ConfigError(problems[0])
    metadata = told["metadata"]
    corpus, licence, synthetic = (_text(metadata.get(name, "")) for name in ("corpus", "licence", "synthetic"))
    return Package(model, digest, corpus, licence, synthetic == "true")


def digest_of(model: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        with model.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{model}: cannot be read ({error.strerror})") from error


def read_text(path: Path) -> str:
    """Read a description or a card.

    Raises:
        ConfigError: It cannot be read, or is none.
    """
    try:
        if path.stat().st_size > LONGEST:
            raise ConfigError(f"{path}: longer than {LONGEST // 2**20} MiB, so it is none of ours")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); 'emonet-bench export' writes it") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is no text ({error.reason})") from error


def _read(place: Path) -> dict[str, Any]:
    try:
        told = json.loads(read_text(place))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: is damaged ({error}); export the run again") from error
    if not isinstance(told, dict):
        raise ConfigError(f"{place}: is no description of a model; export the run again")
    return told


def _text(value: Any) -> str:
    """Write what a bank says of each task as one text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _asked(licence: str) -> bool:
    """Tell whether the audio is given on request, or its terms have not been seen by anybody."""
    return any(word in licence.lower() for word in ("on request", "agreement", "unverified"))
