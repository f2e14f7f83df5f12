"""A record that cannot be read: what is wrong first, and which version has written it."""

from __future__ import annotations

import json

import pytest

from emonet_bench import __version__
from emonet_bench.errors import StoreError
from emonet_bench.runs.record import parse_record
from emonet_bench.runs.record_messages import other_version
from tests.exported import record


@pytest.mark.parametrize("environment", [{"emonet-bench": __version__}, {"emonet-bench": 7}, {}, None, "x"])
def test_nothing_is_said_of_this_version_or_an_unknown_one(environment):
    assert other_version({"environment": environment}) == ""
    assert other_version({}) == ""


def test_a_record_with_a_key_of_another_version_says_which_version_has_written_it():
    raw = {**record().plain(), "forgotten": 1, "environment": {"emonet-bench": "9.8"}}
    with pytest.raises(StoreError) as caught:
        parse_record(json.dumps(raw).encode(), "result.json")
    assert str(caught.value) == (
        "result.json: not a run's record (forgotten: extra inputs are not permitted; got 1); "
        f"emonet-bench 9.8 has written it and can read it, this is {__version__}"
    )
