"""Documentation of options: what is missing is named."""

import re

import pytest
from pydantic import BaseModel, Field, create_model

from emonet_bench.cli import task_flags
from emonet_bench.config import Options, Training, option
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.testing.contracts import BrokenError
from emonet_bench.testing.documentation import FLAGS, NAMES, hold_documented, hold_flags, neighbours_of


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


class Mine(Options):
    width: int = option(1, "Width.", short="-wd")
    share: bool = option(False, "Shared.", short="-sh")


class Theirs(Options):
    depth: int = option(1, "Depth.", short="-wd")


class Alike(Options):
    share: bool = option(False, "Shared.", short="-sh")


def test_a_short_flag_of_a_neighbour_is_told_with_whose_it_is():
    assert hold_flags(Mine, [("like-minded", Alike)]) is None
    with pytest.raises(BrokenError, match=r"^Mine\.width: -wd is the --depth of their-net; choose another$"):
        hold_flags(Mine, [("like-minded", Alike), ("their-net", Theirs)])


def test_neighbours_are_on_the_same_command():
    beside_an_architecture = dict(neighbours_of("architecture", "cnn"))
    beside_a_strategy = dict(neighbours_of("strategy", "my-own"))
    assert {"adapters", "scratch"} <= beside_an_architecture.keys()
    assert "rnn" not in beside_an_architecture
    assert {"cnn", "rnn", "adapters"} <= beside_a_strategy.keys()
    assert "adapters" not in dict(neighbours_of("strategy", "adapters"))


def test_what_comes_with_the_host_gives_way_to_nobody(monkeypatch, tmp_path):
    code = "from emonet_bench import hookimpl\nfrom emonet_bench.config import Options\nfrom emonet_bench.types import Strategy\n"
    (tmp_path / "late.py").write_text(
        f"{code}@hookimpl\ndef emonet_strategies(): return [Strategy('late', Options, None)]\n"
    )
    loaded = Plugins(Selection(files=(tmp_path / "late.py",)), corpora=False)
    monkeypatch.setattr("emonet_bench.testing.documentation.Plugins", lambda **_: loaded)
    assert "late" not in dict(neighbours_of("strategy", "adapters"))
    assert "late" in dict(neighbours_of("strategy", "mine"))


def test_an_option_of_its_own_passes():
    free = create_model("Free", __base__=Options, width=(int, option(1, "Free.", short="-wi")))
    assert hold_flags(free) is None


def test_what_is_taken_is_what_the_commands_have():
    own = [*task_flags.single_data(), *task_flags.joint_data(), *task_flags.run()]
    assert {parameter.name for parameter in own} | {"mode", "strategy"} == NAMES
    short = {flag for parameter in own for flag in parameter.opts if not flag.startswith("--")}
    assert short | {"-m", "-h"} == FLAGS
