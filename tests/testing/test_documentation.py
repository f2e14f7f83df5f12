"""Documentation of options: what is missing is named."""

import pytest
from pydantic import BaseModel, Field

from emonet_bench.config import Options, Training, option
from emonet_bench.matrix.file import Matrix
from emonet_bench.testing.contracts import BrokenError
from emonet_bench.testing.documentation import hold_documented


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
