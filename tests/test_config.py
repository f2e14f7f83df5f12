"""Options are validated in one line that names the place, and read from files as editors leave them."""

import math
import os
import sys
from typing import Literal

import pytest
from pydantic import Field

from emonet_bench.config import Options, Training, axes, option, parse, read_toml
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.file import Matrix


class Inner(Options):
    """An inner model."""

    labels: str | dict[str, str | Literal[False]] | None = option(None, "Labels.")
    deep: dict[str, list[int]] = Field(default_factory=dict)


class Outer(Options):
    """Some options."""

    corpora: list[str] | dict[str, Inner] = option(["a"], "Corpora.")
    rate: float = option(1.0, "A rate.")


def refused(model, values):
    with pytest.raises(ConfigError) as caught:
        parse(model, values, "m.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"corpora": {"emodb": {"lables": "4-class"}}},
            "m.toml.corpora.emodb.lables: unknown option; did you mean 'labels'?",
        ),
        ({"corpora": "emodb"}, "m.toml.corpora: input should be a valid list or a valid dictionary; got 'emodb'"),
        ({"corpora": ["a", 3]}, "m.toml.corpora.1: input should be a valid string; got 3"),
        ({"corpora": {"a": {"deep": {"b": [1, "x"]}}}}, "m.toml.corpora.a.deep.b.1: input should be a valid integer"),
        ({"corpora": {"a": 5}}, "m.toml.corpora.a: input should be a valid dictionary"),
        ({"rates": 1}, "m.toml.rates: unknown option; did you mean 'rate'?"),
        ({"rate": math.inf}, "m.toml.rate: input should be a finite number"),
        ({"rate": math.nan}, "m.toml.rate: input should be a finite number"),
        ({"rate": [1] * 10_000}, "m.toml.rate: input should be a valid number; got [1, 1"),
        ({"rate": "9" * 5000}, "m.toml.rate: input should be"),
    ],
)
def test_of_a_union_the_branch_that_was_meant_is_named(values, message):
    assert refused(Outer, values).startswith(message)


def test_a_missing_value_is_named():
    assert refused(Matrix, {"corpora": ["a"]}).startswith("m.toml.architectures: field required")


@pytest.mark.parametrize(
    "values",
    [
        {"sampling_rate": 10**9},
        {"window": 1e9},
        {"batch_size": 10**9},
        {"epochs": 10**12},
        {"steps_per_epoch": 10**12},
        {"threads": 10**6},
        {"epochs": 10**5000},
        {"learning_rate": math.inf},
    ],
    ids=lambda values: next(iter(values)),
)
def test_work_without_end_is_refused_by_its_option(values):
    (name,) = values
    assert refused(Training, values).startswith(f"m.toml.{name}: ")


def test_a_batch_that_no_machine_holds_is_refused_whatever_its_parts():
    message = refused(Training, {"sampling_rate": 192_000, "window": 600.0, "batch_size": 4096})
    assert message == ("m.toml: a batch would hold 1887 GB of samples; lower batch_size, window or sampling_rate")
    parse(Training, {"sampling_rate": 48_000, "window": 30.0, "batch_size": 512}, "m.toml")


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    file = tmp_path / "m.toml"
    file.write_bytes(b"\xef\xbb\xbfepochs = 3\r\n")
    assert read_toml(file) == {"epochs": 3}


@pytest.mark.parametrize("text", ["a = ", "a = " + "9" * 5000, "a = " + "[" * 5000, "\x00"])
def test_a_file_that_is_no_toml_is_one_line(tmp_path, text):
    file = tmp_path / "m.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"m\.toml: not a TOML file") as caught:
        read_toml(file)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes of POSIX")
def test_a_pipe_is_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "m.toml")
    with pytest.raises(ConfigError, match="no regular file"):
        read_toml(tmp_path / "m.toml")


def test_the_word_none_is_nothing_only_where_an_option_may_be_nothing():
    class Both(Options):
        window: float | None = option(3.0, "Seconds.")
        normalise: Literal["none", "utterance"] = option("utterance", "How.")

    assert Both.model_validate({"window": "none", "normalise": "none"}) == Both(window=None, normalise="none")
    assert axes(Both, {"window": [3.0, "none"]}) == {"window": [3.0, "none"]}
