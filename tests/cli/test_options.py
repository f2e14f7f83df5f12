"""Fields of pydantic models as flags: their types, defaults and bounds, as click parses them."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import rich_click as click
from click.testing import CliRunner

from emonet_bench.cli.options import Owned, Tolerance, flags, given, given_to
from emonet_bench.config import Options, option


class Everything(Options):
    """A field of each type."""

    count: int = option(3, "A count.", short="-c", ge=2)
    rate: float | None = option(None, "None or a number.", gt=0)
    pair: tuple[int, float] = option((1, 0.5), "Two things.")
    words: tuple[str, ...] = option(("a",), "Several.")
    choice: Literal["x", "y"] = option("x", "One of two.")
    loud: bool = option(True, "On.")
    quiet: bool = option(False, "Off.")
    settings: dict[str, Any] = option({}, "A table.")


def parsed(*arguments):
    """What a command with a flag for each field gets: all values, and those that were typed."""
    seen = []
    command = click.RichCommand(
        name="try",
        params=list(flags({"All": [Owned("one", Everything)]}, [], {}, {})),
        callback=lambda **values: seen.append((values, given(click.get_current_context()))),
    )
    done = CliRunner().invoke(command, list(map(str, arguments)))
    return seen[0] if seen else done.output


def test_without_flags_the_values_are_the_models_own():
    values, typed = parsed()
    assert Everything(**values) == Everything()
    assert typed == {}


def test_each_type_is_read_and_what_was_typed_is_told_apart():
    values, typed = parsed(
        *[
            "-c",
            "2",
            "--rate",
            "0.5",
            "--pair",
            "4",
            "0.25",
            "--words",
            "b",
            "--words",
            "c",
            "--choice",
            "y",
            "--no-loud",
            "--quiet",
        ]
    )
    expected = {
        "count": 2, "rate": 0.5, "pair": (4, 0.25), "words": ("b", "c"), "choice": "y", "loud": False, "quiet": True,
    }  # fmt: skip
    assert typed == expected
    assert values == {**expected, "settings": {}}


def test_none_stands_for_nothing_where_that_is_allowed():
    _, typed = parsed("--rate", "none")
    assert typed == {"rate": None}
    assert "got 'none'" in parsed("--count", "none")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--count", 1), "input should be greater than or equal to 2; got '1'"),
        (("--count", 2.5), "got '2.5'"),
        (("--rate", 0), "input should be greater than 0; got '0'"),
        (("--pair", 1), "'--pair' requires 2 arguments"),
        (("--choice", "z"), "'z' is not one of"),
        (("--no-quiet",), "No such option"),
    ],
)
def test_a_wrong_value_is_refused_with_the_models_reason(arguments, words):
    assert words in " ".join(parsed(*arguments).replace("│", "").split())


class Rank(Options):
    rank: int = option(4, "Rank of a matrix.", short="-r")


class Order(Options):
    rank: float = option(0.5, "Rank in a list.", short="-r")


def opts(*owned, own=()):
    return {flag.opts[-1]: flag.sets for flag in flags({"All": owned}, list(own), {}, {})}


def test_an_option_with_the_name_of_one_of_the_commands_own_has_its_owners_name():
    made = opts(Owned("lora", Rank), own=[click.Option(["-x", "--rank"])])
    assert made == {"--lora.rank": [("lora", "rank")]}


def test_what_is_shipped_keeps_its_flag_whatever_is_installed():
    made = opts(Owned("lora", Rank), Owned("mine", Order, shipped=False))
    assert made == {"--rank": [("lora", "rank")], "--mine.rank": [("mine", "rank")]}


def test_two_plugins_that_mean_different_things_by_a_name_both_say_whose_it_is():
    made = opts(Owned("a", Rank, shipped=False), Owned("b", Order, shipped=False))
    assert made == {"--a.rank": [("a", "rank")], "--b.rank": [("b", "rank")]}
    alone = opts(Owned("b", Order, shipped=False))
    assert alone == {"--rank": [("b", "rank")]}


def test_an_option_that_several_have_alike_is_given_to_each_of_them():
    assert opts(Owned("a", Rank), Owned("b", Rank)) == {"--rank": [("a", "rank"), ("b", "rank")]}


def test_each_owner_is_given_its_own_values():
    seen = []
    panels = {"All": [Owned("a-1", Rank, shipped=False), Owned("b", Order, shipped=False), Owned("c", Everything)]}
    command = click.RichCommand(
        name="try",
        params=list(flags(panels, [], {}, {})),
        callback=lambda **_: seen.append(given_to(click.get_current_context())),
    )
    done = CliRunner().invoke(command, ["--a-1.rank", "7", "--b.rank", "0.25", "-c", "9"])
    assert done.exit_code == 0, done.output
    assert seen == [{"a-1": {"rank": 7}, "b": {"rank": 0.25}, "c": {"count": 9}}]


def test_an_option_of_several_models_is_one_flag():
    class First(Options):
        size: int = option(1, "One.", short="-s")

    class Second(First):
        other: int = option(2, "Two.", short="-s")

    made = list(flags({"a": [Owned("one", First)], "b": [Owned("two", Second)]}, [], {"other": 5}, {}))
    assert [(flag.opts, flag.default) for flag in made] == [(["-s", "--size"], 1), (["--other"], 5)]


def test_a_required_field_is_a_required_flag_and_a_default_may_be_words():
    class Demanding(Options):
        file: str = option(..., "Needed.")
        mode: int = option(1, "Depends.")

    needed, shown = flags({"a": [Owned("one", Demanding)]}, [], {}, {"mode": "as the others"})
    assert (needed.required, shown.required, shown.show_default) == (True, False, "as the others")


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("1e-4", 1e-4), ("1", 1.0)])
def test_a_tolerance_is_a_number_from_nothing_to_one(text, number):
    assert Tolerance().convert(text, None, None) == number


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1.1", "x"])
def test_what_is_no_tolerance_is_refused(text):
    with pytest.raises(click.BadParameter):
        Tolerance().convert(text, None, None)


def test_a_table_is_read_setting_by_setting():
    values, typed = parsed("--settings", "gamma=3", "--settings", "noise.snr=[1, 2.5]", "--settings", "word=none")
    assert values["settings"] == {"gamma": 3, "noise": {"snr": [1, 2.5]}, "word": None}
    assert typed.keys() == {"settings"}
    assert "--settings gamma: write it as key=value, such as gamma=3" in " ".join(
        parsed("--settings", "gamma").replace("│", "").split()
    )


def test_a_field_may_choose_from_names_that_its_model_does_not_know():
    class Open(Options):
        loss: str = option("focal", "Loss.")

    (flag,) = flags({"All": [Owned("one", Open)]}, [], {}, {}, {"loss": ["focal", "ldam"]})
    assert (list(flag.type.choices), flag.default) == (["focal", "ldam"], "focal")
