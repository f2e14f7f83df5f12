"""Errors of requests: which status each gets."""

import pytest

from emonet_bench.deploy.serving.errors import RequestError, as_request_error, busy
from emonet_bench.errors import AudioError, ConfigError, EmonetBenchError, StoreError


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (AudioError("cut short"), 422, "audio: cut short"),
        (ConfigError("hop: too long"), 400, "hop: too long"),
        (StoreError("no space left"), 500, "no space left"),
        (EmonetBenchError("odd"), 500, "odd"),
    ],
)
def test_audio_is_422_options_are_400_and_the_rest_is_the_servers_fault(error, status, message):
    found = as_request_error(error)
    assert (found.status, found.message, found.headers) == (status, message, {})


def test_an_error_that_has_a_status_keeps_it():
    error = RequestError(404, "no such model", {"X-Of": "mine"})
    assert as_request_error(error) is error


def test_who_comes_at_a_busy_time_is_told_when_to_come_again():
    error = busy("3 requests are waiting", 7)
    assert (error.status, error.message) == (503, "busy: 3 requests are waiting; try again")
    assert error.headers == {"Retry-After": "7"}
