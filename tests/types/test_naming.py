"""Registered names stand in file names: what no file system takes is refused."""

from pathlib import Path

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.types import check_name, names


@pytest.mark.parametrize("name", ["", "a b", "../up", "-first", "a/b", "ä", "a\n"])
def test_a_name_that_is_no_file_name_is_refused_with_the_remedy(name):
    with pytest.raises(ConfigError, match="use letters, digits"):
        check_name("loss", name)


@pytest.mark.parametrize("name", [None, 7, b"cnn", "a" * 101])
def test_a_name_that_is_no_text_or_too_long_is_refused(name):
    with pytest.raises(ConfigError, match="must be a text of at most 100 letters"):
        check_name("loss", name)


def test_a_plus_joins_the_names_of_corpora_and_so_is_in_none():
    check_name("strategy", "multi-task+target")
    with pytest.raises(ConfigError, match="joins the names of several"):
        check_name("corpus", "a+b")
    with pytest.raises(ConfigError, match="use letters, digits, '_' and '-' only"):
        check_name("corpus", "a b")


def test_a_message_lists_names_as_they_are_typed():
    assert names(["cnn", Path("a b")]) == "'cnn', 'a b'"
