"""The hub's client, and what goes wrong with it in one line that holds no token."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the client is imported
from huggingface_hub import HfApi, constants, get_token
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from emonet_bench.errors import ConfigError, EmonetBenchError

_SHOWN = 300  # characters of what a hub says


def client() -> HfApi:
    """Return a client of the hub that ``HF_ENDPOINT`` names, with the token that the user has logged in with."""
    return HfApi(library_name="emonet-hub")


@contextmanager
def reached(repo: str) -> Iterator[None]:
    """Turn whatever the client raises into one line.

    Args:
        repo: The repository, for the message.

    Raises:
        ConfigError: The hub cannot be reached, or refuses.
    """
    try:
        yield
    except EmonetBenchError:
        raise
    except RevisionNotFoundError:
        raise ConfigError(f"{repo}: has no such revision; name a branch, a tag or a commit") from None
    except RepositoryNotFoundError:
        raise ConfigError(
            f"{repo}: there is none at {constants.ENDPOINT}, or you may not see it; 'hf auth login', or set HF_TOKEN"
        ) from None
    except HFValidationError:
        raise ConfigError(f"{repo}: is no name of a repository; give OWNER/NAME") from None
    except HfHubHTTPError as error:
        remedy = "; 'hf auth login', or set HF_TOKEN" if error.response.status_code in (401, 403) else ""
        raise ConfigError(f"{repo}: {constants.ENDPOINT} refuses: {_said(error)}{remedy}") from None
    except Exception as error:  # noqa: BLE001 - of the client, httpx, the disk
        raise ConfigError(f"{repo}: {constants.ENDPOINT} cannot be used: {_said(error)}") from None


def _said(error: Exception) -> str:
    told = [str(one) or type(one).__name__ for one in (error, error.__cause__) if one is not None]
    text = " ".join(" ".join(told).split())
    token = get_token()
    return (text.replace(token, "...") if token else text)[:_SHOWN]
