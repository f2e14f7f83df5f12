"""Errors of requests: an HTTP status and one line that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping

from emonet_bench.errors import AudioError, ConfigError, EmonetBenchError


class RequestError(EmonetBenchError):
    """A request cannot be answered as it was hoped.

    Attributes:
        status: The HTTP status.
        message: One line.
        headers: Further headers of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


class Disconnected(Exception):  # noqa: N818 - an event, no fault
    """The client has left; nobody reads an answer."""


def busy(what: str, seconds: int = 1) -> RequestError:
    """Say that the server has enough to do, and when to ask again."""
    return RequestError(503, f"busy: {what}; try again", {"Retry-After": str(seconds)})


def as_request_error(error: EmonetBenchError) -> RequestError:
    """Give an error of the library its HTTP status: 422 for audio, 400 for options."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, AudioError):
        return RequestError(422, f"audio: {error}")
    return RequestError(400 if isinstance(error, ConfigError) else 500, str(error))
