"""Admission: places and memory are given while there are some, and come back whatever happens."""

from dataclasses import replace

import pytest

from emonet_bench.deploy.serving.admission import Admission
from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.deploy.serving.settings import Limits


@pytest.fixture
def admission():
    return Admission(replace(Limits(), requests=2, streams=1, memory_bytes=100))


def refused(action):
    with pytest.raises(RequestError) as caught:
        action()
    assert caught.value.status == 503
    assert int(caught.value.headers["Retry-After"]) > 0
    return caught.value.message


def test_one_request_more_than_there_are_places_is_turned_away_with_a_time_to_come_again(admission):
    with admission.request(), admission.request():
        assert "2 requests are waiting" in refused(admission.request().__enter__)
        assert admission.requests == 2
    assert admission.requests == 0


def test_memory_is_shared_by_all_requests_and_comes_back_with_each(admission):
    with admission.request() as first:
        first.take(60)
        with admission.request() as second:
            second.take(40)
            assert "no memory" in refused(lambda: second.take(1))
            assert (first.bytes, second.bytes, admission.bytes) == (60, 40, 100)
        first.take(40)
    assert admission.bytes == 0


def test_a_request_that_breaks_gives_everything_back(admission):
    with pytest.raises(ZeroDivisionError), admission.request() as held:
        held.take(50)
        raise ZeroDivisionError
    assert (admission.requests, admission.bytes) == (0, 0)


def test_streams_have_places_of_their_own(admission):
    with admission.request(), admission.request(), admission.stream():
        assert "1 streams are open" in refused(admission.stream().__enter__)
    assert admission.streams == 0
