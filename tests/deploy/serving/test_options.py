"""Options of a request: texts and numbers become what they mean, and everything else is one line."""

import pytest

from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.deploy.serving.options import Options, parse_options


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Options()),
        ({"model": "", "task": None, "window": "", "top_k": ""}, Options()),
        ({"model": "m", "task": "t"}, Options("m", "t")),
        ({"window": "1.5", "hop": "0.5", "top_k": "3"}, Options(window=1.5, hop=0.5, top_k=3)),
        ({"window": 2, "hop": 0.25, "top_k": 1}, Options(window=2.0, hop=0.25, top_k=1)),
    ],
)
def test_a_form_and_json_say_the_same(given, expected):
    assert parse_options(given) == expected


@pytest.mark.parametrize("name", ["window", "hop"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e999", "one", [1], {}, 10**400, 0, -0.5])
def test_seconds_that_are_none_are_one_line(name, value):
    with pytest.raises(RequestError, match=f"^{name}: must be seconds, more than 0, is ") as caught:
        parse_options({name: value})
    assert caught.value.status == 400


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "one", "٣", "1" * 7, 0, 1.0, True, [3], 10**400])
def test_a_count_that_is_none_is_one_line(value):
    with pytest.raises(RequestError, match=r"^top_k: must be a whole number from 1, is ") as caught:
        parse_options({"top_k": value})
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("value", [1, True, ["m"], {"m": 1}])
def test_a_name_that_is_no_text_is_one_line(value):
    with pytest.raises(RequestError, match=r"^model: must be a text"):
        parse_options({"model": value})


def test_an_unknown_option_is_one_line_that_lists_the_known_ones():
    with pytest.raises(RequestError, match=r"^'topk': no such option; there are model, task, window, hop, top_k$"):
        parse_options({"topk": 3})
