"""Run options: which results on disk are made again."""

import pytest

from emonet_bench.matrix.options import RunOptions
from tests.matrix.test_scheduler import cell
from tests.written import finished

DONE = finished(cell("a"))
FAILED = finished(cell("a"), error={"type": "Oops", "message": ""})
UNREADABLE = None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (RunOptions(), (False, False, False)),
        (RunOptions(retry_failed=True), (False, True, True)),
        (RunOptions(force=True), (True, True, True)),
        (RunOptions(force=True, retry_failed=True), (True, True, True)),
        (RunOptions(reuse=True, export=True, skip_bad_files=True), (False, False, False)),
    ],
)
def test_what_is_finished_is_made_again_by_force_alone_and_what_failed_also_on_request(options, expected):
    assert tuple(map(options.again, (DONE, FAILED, UNREADABLE))) == expected
