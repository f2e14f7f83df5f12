"""A predictor's arguments are held to what they may be, each in one line that names it."""

import pytest

from emonet_bench.deploy.arguments import check_axis, check_count, check_rate
from emonet_bench.errors import ConfigError

GOOD = [
    *((check_rate, (rate,)) for rate in (None, 1_000, 16_000, 768_000, 22_050.0)),
    *((check_axis, (axis,)) for axis in (None, 0, 1)),
    *((check_count, ("threads", count)) for count in (None, 1, 10**6)),
]
BAD = [
    (check_rate, (0,), "sampling_rate: must be at least 1, is 0"),
    (check_rate, (999,), "sampling_rate: must lie in 1000 to 768000, is 999"),
    (check_rate, (768_001,), "sampling_rate: must lie in 1000 to 768000, is 768001"),
    (check_axis, (2,), "channels: is the axis that holds them, 0 or 1, not 2"),
    (check_axis, (-1,), "channels: is the axis that holds them, 0 or 1, not -1"),
    (check_count, ("batch_size", 0), "batch_size: must be at least 1, is 0"),
    (check_count, ("threads", -3), "threads: must be at least 1, is -3"),
    (check_count, ("threads", "2"), "threads: must be a whole number, is '2'"),
    (check_count, ("threads", 1.5), "threads: must be a whole number, is 1.5"),
    (check_rate, (float("nan"),), "sampling_rate: must be a whole number, is nan"),
    (check_rate, ("16000",), "sampling_rate: must be a whole number, is '16000'"),
]


@pytest.mark.parametrize(("check", "given"), GOOD)
def test_what_makes_sense_passes(check, given):
    assert check(*given) is None


@pytest.mark.parametrize(("check", "given", "message"), BAD)
def test_what_makes_none_is_one_line_that_names_the_argument(check, given, message):
    with pytest.raises(ConfigError) as caught:
        check(*given)
    assert str(caught.value) == message
