"""Settings: limits that limit, and files of keys."""

import pytest

from emonet_bench.deploy.serving.settings import Limits, Settings, read_keys
from emonet_bench.errors import ConfigError
from emonet_bench.machine import cores

KEY = "0123456789abcdef"


@pytest.mark.parametrize("name", ["body_bytes", "segments", "request_seconds", "batch"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_that_lets_nothing_through_is_one_line(name, value):
    with pytest.raises(ConfigError, match=f"^{name}: must be more than 0, is "):
        Limits(**{name: value})


def test_as_many_threads_score_as_are_asked_for_or_as_there_are_cores():
    assert Settings((), threads=3).workers == 3
    assert Settings(()).workers == cores() >= 1


def test_keys_are_not_shown_where_settings_are():
    assert KEY not in repr(Settings((), keys=(KEY,)))


def test_keys_are_lines_without_blank_ones_and_comments(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# of the team\n{KEY}\n\n  {KEY}2  \n", encoding="ascii")
    assert read_keys(file) == (KEY, f"{KEY}2")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no key; write one a line"),
        (b"# only a comment\n", "holds no key"),
        (f"{KEY}\nshort\n".encode(), "fewer than 16 characters; make it longer"),
        ("schlüssel-der-lang-ist".encode(), "cannot be read (not ASCII)"),
    ],
)
def test_a_file_of_keys_that_is_none_is_one_line_without_a_key_in_it(tmp_path, content, words):
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_keys(file)
    message = str(caught.value)
    assert message.startswith(f"--api-key-file: {file} ")
    assert words in message
    assert "short" not in message
