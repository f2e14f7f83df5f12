"""Settings of the server: which models, and the limits that every request is held to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from emonet_bench.errors import ConfigError
from emonet_bench.files import check_regular
from emonet_bench.machine import cores

if TYPE_CHECKING:
    from emonet_bench.deploy.providers import Providers

_SHORTEST_KEY = 16  # characters


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may take.

    Attributes:
        body_bytes: Most bytes of a request's body.
        audio_seconds: Longest audio of a request.
        segments: Most stretches that a request's window and hop may make of its audio.
        requests: Requests at once that upload, wait or are scored; one more gets 503.
        memory_bytes: Most bytes that their bodies and decoded audio take together; more gets 503.
        request_seconds: Longest time of a request, from its head to its answer.
        streams: WebSocket streams at once; one more is turned away.
        stream_seconds: Longest audio of a stream.
        idle_seconds: Longest silence of a stream's client.
        batch: Most stretches in one call of onnxruntime.
    """

    body_bytes: int = 25 * 2**20
    audio_seconds: float = 600.0
    segments: int = 10_000
    requests: int = 256
    memory_bytes: int = 512 * 2**20
    request_seconds: float = 30.0
    streams: int = 128
    stream_seconds: float = 3600.0
    idle_seconds: float = 30.0
    batch: int = 8

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ConfigError(f"{name}: must be more than 0, is {value}")


@dataclass(frozen=True)
class Settings:
    """What a server serves, and to whom.

    Attributes:
        models: Files written by ``emonet-bench export``; a model's name is its file's, without the suffix.
        providers: Where to compute, as for ``Predictor``.
        threads: Calls of onnxruntime at once, each on one core; None: as many as there are cores.
        limits: What requests may take.
        keys: API keys, one of which every request must bring; empty: none is asked for.
        origins: Web origins (``https://example.org``) whose pages may call the server; its own page always may.
        hosts: Names that the ``Host`` of a request may have, without the port; empty: any. On loopback it keeps pages
            of other sites out whose name was made to resolve to this machine.
        abstain: Whether the label of a stretch is ``uncertain`` below its file's ``abstain_below``; every file must
            have one.
    """

    models: tuple[Path, ...]
    providers: Providers = "auto"
    threads: int | None = None
    limits: Limits = field(default_factory=Limits)
    keys: tuple[str, ...] = field(default=(), repr=False)
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    abstain: bool = False

    @property
    def workers(self) -> int:
        """Threads that score."""
        return self.threads or cores()


def read_keys(path: Path) -> tuple[str, ...]:
    """Read API keys, one a line; blank lines and lines that begin with ``#`` are left out.

    Raises:
        ConfigError: The file cannot be read, or holds no key or one that is too short.
    """
    check_regular(path, "--api-key-file")
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not ASCII"
        raise ConfigError(
            f"--api-key-file: {path} cannot be read ({reason}); give a file of keys, one a line"
        ) from error
    keys = tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    if not keys:
        raise ConfigError(f"--api-key-file: {path} holds no key; write one a line")
    if any(len(key) < _SHORTEST_KEY for key in keys):
        raise ConfigError(
            f"--api-key-file: {path} holds a key of fewer than {_SHORTEST_KEY} characters; make it longer"
        )
    return keys
