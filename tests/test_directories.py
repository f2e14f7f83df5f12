"""The user's directories come from the environment or the platform, and registered corpora are kept in one file."""

import os
import sys
from pathlib import Path

import platformdirs
import pytest

from emonet_bench.directories import (
    FILE,
    cache_directory,
    config_directory,
    features_directory,
    register,
    registered,
)
from emonet_bench.errors import ConfigError

VARIABLES = {
    "EMONET_BENCH_CACHE_DIR": cache_directory,
    "EMONET_BENCH_CONFIG_DIR": config_directory,
    "EMONET_BENCH_FEATURES_DIR": features_directory,
}


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config" / FILE


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_names_the_directory_and_may_begin_with_the_home(monkeypatch, tmp_path, variable):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv(variable, str(Path("~", "mine")))
    assert VARIABLES[variable]() == tmp_path / "mine"


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_home_that_does_not_exist_is_one_line_that_names_the_variable(monkeypatch, variable):
    monkeypatch.setenv(variable, "~nobody-of-this-name/mine")
    with pytest.raises(ConfigError, match=f"^{variable}: ~nobody-of-this-name/mine: no home directory is known"):
        VARIABLES[variable]()


def test_without_a_variable_the_platform_says_where(monkeypatch, tmp_path):
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory() == platformdirs.user_cache_path("emonet-bench")
    assert config_directory() == platformdirs.user_config_path("emonet-bench")
    assert features_directory() == cache_directory() / "features"


def test_a_user_without_a_home_is_told_which_variable_to_set(monkeypatch):
    monkeypatch.delenv("EMONET_BENCH_CACHE_DIR")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(ConfigError, match="no home directory; name a directory with EMONET_BENCH_CACHE_DIR"):
        cache_directory()


def test_what_is_registered_is_kept_beside_what_was(config, tmp_path):
    assert registered() == {}
    places = {"one": tmp_path / "a", "two": tmp_path / 'q"uo\\te', "three": tmp_path / "ä\x7f\N{GRINNING FACE}"}
    for name, place in places.items():
        assert register(name, place) == config
    assert registered() == places
    register("one", tmp_path / "b")
    assert registered() == {**places, "one": tmp_path / "b"}


def test_a_name_that_the_user_wrote_with_quotes_survives_the_next_registration(config, tmp_path):
    config.parent.mkdir()
    config.write_text('"a\\"b" = "/somewhere"\n', encoding="utf-8")
    register("one", tmp_path)
    assert registered() == {'a"b': Path("/somewhere"), "one": tmp_path}


def test_what_is_registered_is_an_absolute_place(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    register("one", Path("here"))
    assert registered() == {"one": tmp_path / "here"}


@pytest.mark.parametrize("name", ["", "a b", "../up", "-x"])
def test_a_name_that_is_none_is_not_registered(config, tmp_path, name):
    with pytest.raises(ConfigError, match="corpus"):
        register(name, tmp_path)
    assert not config.exists()


@pytest.mark.parametrize(
    ("text", "message"), [("one = 3", "one: give the directory as a string; got 3"), ("one", "corpora.toml")]
)
def test_a_damaged_file_is_one_line_that_names_it(config, text, message):
    config.parent.mkdir()
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        registered()
    assert str(caught.value).startswith(str(config))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are Unicode there")
def test_a_place_that_no_file_of_text_can_hold_is_one_line(config, tmp_path):
    register("one", tmp_path)
    with pytest.raises(ConfigError, match="cannot be written"):
        register("two", tmp_path / os.fsdecode(b"\xff"))
    assert registered() == {"one": tmp_path}
