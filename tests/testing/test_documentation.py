"""Documentation of options: what is missing is named."""

import re

import pytest
from pydantic import BaseModel, Field, create_model

from emonet_bench.cli import task_flags
from emonet_bench.config import Options, Training, option
from emonet_bench.matrix.file import Matrix
from emonet_bench.testing.contracts import BrokenError
from emonet_bench.testing.documentation import FLAGS, NAMES, hold_documented, hold_flags


class Documented(Options):
    width: int = option(3, "Width.", short="-w")
    depth: int = option(3, "Depth.", short="-d")
    plain: int = Field(3, description="Without option().")


class Bare(Documented):
    one: int = 1
    two: int = 2


class Sharing(Documented):
    weight: int = option(3, "Weight.", short="-w")


class Foreign(BaseModel):
    width: int = Field(3, description="Width.")


class Empty(Options):
    pass


@pytest.mark.parametrize("model", [Documented, Empty, Training, Matrix], ids=lambda model: model.__name__)
def test_options_that_explain_themselves_pass(model):
    hold_documented(model)
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize(
    ("model", "seen"),
    [
        (Bare, "Bare.one has no description (2 such fields); declare it with option()"),
        (Sharing, "Sharing gives -w to two fields"),
        (Foreign, "Foreign is not a subclass of emonet_bench.config.Options"),
        (int, "int is not a subclass of emonet_bench.config.Options"),
    ],
)
def test_options_that_do_not_are_named_with_what_they_lack(model, seen):
    with pytest.raises(BrokenError) as caught:
        hold_documented(model)
    assert str(caught.value) == seen


@pytest.mark.parametrize(
    ("name", "short", "words"),
    [
        ("seed", None, "Taken.seed has the name of an option of every command; rename it"),
        ("width", "-t", "Taken.width: -t is a flag of every command; choose another"),
        ("width", "-w", "Taken.width: -w is the training's --window; choose another"),
    ],
)
def test_a_name_or_a_short_flag_that_is_taken_is_told(name, short, words):
    taken = create_model("Taken", __base__=Options, **{name: (int, option(1, "Taken.", short=short))})
    with pytest.raises(BrokenError, match=f"^{re.escape(words)}$"):
        hold_flags(taken)


def test_an_option_of_its_own_passes():
    free = create_model("Free", __base__=Options, width=(int, option(1, "Free.", short="-wi")))
    assert hold_flags(free) is None


def test_what_is_taken_is_what_the_commands_have():
    own = [*task_flags.single_data(), *task_flags.joint_data(), *task_flags.run()]
    assert {parameter.name for parameter in own} | {"mode", "strategy"} == NAMES
    short = {flag for parameter in own for flag in parameter.opts if not flag.startswith("--")}
    assert short | {"-m", "-h"} == FLAGS
