"""An MLflow server: the client, and what goes wrong with it in one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from emonet_bench.errors import ConfigError, EmonetBenchError

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "emonet-bench"
"""Where ``MLFLOW_EXPERIMENT_NAME`` names no other."""

_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # a line for each run, among those of the matrix
}
_SHOWN = 200  # characters of what a server says
# MLflow has one exception for everything: whether there was an answer stands in its text alone.
_SIGNS = ("failed with exception", "failed with timeout", "Max retries exceeded", "Connection aborted", "timed out")


class NoAnswerError(ConfigError):
    """The server cannot be reached; it may be later."""


class Server:
    """The server that ``MLFLOW_TRACKING_URI`` names.

    Args:
        address: The URI.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    @cached_property
    def client(self) -> MlflowClient:
        """Its client; waiting for a server that is down must not hold up the cells."""
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient  # noqa: PLC0415 - slow to import

        return MlflowClient(self.address)

    @cached_property
    def experiment(self) -> str:
        """The id of the experiment, which is created where there is none of its name."""
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        found = self.client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage == "deleted":
            raise ConfigError(f"MLFLOW_EXPERIMENT_NAME {name}: deleted on the server; restore it or name another")
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(self.client.create_experiment(name))
        except Exception:
            if (found := self.client.get_experiment_by_name(name)) is None:  # nobody else has just created it
                raise
            return str(found.experiment_id)

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Turn whatever the client raises into one line that names the server and no password.

        Raises:
            NoAnswerError: It cannot be reached.
            ConfigError: It refuses.
        """
        try:
            yield
        except EmonetBenchError:
            raise
        except ImportError as error:
            raise ConfigError(f"{self._named}: needs {error.name}; 'pip install mlflow', or name a server") from None
        except Exception as error:  # noqa: BLE001 - of MLflow, requests, urllib3 or the disk
            said = " ".join(str(error).split())
            if any(sign in said for sign in _SIGNS):
                raise NoAnswerError(f"{self._named}: no answer; is the server running?") from None
            secret = urlsplit(self.address).netloc.rpartition("@")[0]
            raise ConfigError(f"{self._named}: {(said.replace(secret, '...') if secret else said)[:_SHOWN]}") from None

    @property
    def _named(self) -> str:
        """The address without a name and a password that may stand in it."""
        parts = urlsplit(self.address)
        return f"MLFLOW_TRACKING_URI {parts._replace(netloc=parts.netloc.rpartition('@')[2]).geturl()}"
