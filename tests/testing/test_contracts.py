"""Contracts: how checks are run, what is said of a broken one, and where it is written."""

from pathlib import Path

import pytest

from emonet_bench.testing import architectures, corpora, executors, hooks, metrics, strategies
from emonet_bench.testing.contracts import LONGEST, PAGE, BrokenError, anchor, announced, examine, hold, useful_line


@pytest.mark.parametrize(
    ("kind", "checks"),
    [
        ("corpus", corpora.CHECKS),
        ("architecture", architectures.CHECKS),
        ("strategy", strategies.CHECKS),
        ("executor", executors.CHECKS),
        ("metric", metrics.CHECKS),
        ("hooks", hooks.CHECKS),
    ],
)
def test_every_contract_has_its_section_in_the_docs(kind, checks):
    page = (Path(__file__).parents[2] / PAGE).read_text(encoding="utf-8")
    headings = [line.removeprefix("### ") for line in page.splitlines() if line.startswith(f"### {kind.title()}:")]
    anchors = [heading.lower().replace(":", "").replace(" ", "-") for heading in headings]
    assert anchors == [anchor(kind, check) for check in checks]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("short\n  text", "short text"),
        ("a" * 500, f"{'a' * LONGEST} ..."),
        (
            "First: failed\n" + "x = y\n" * 200 + "torch.SomeError: why\n" + "z\n" * 200,
            "First: failed ... torch.SomeError: why",
        ),
    ],
)
def test_the_useful_line_is_the_first_and_the_last_error(text, line):
    assert useful_line(text) == line


def width_is_four(bench):
    """The width is four,
    whatever else there is.
    """
    if bench != 4:
        raise BrokenError(f"it is {bench}")


def divides(bench):
    """Twelve can be divided by it."""
    assert 12 % bench == 0


def test_every_check_is_run_and_what_each_raises_is_kept():
    kept, fell = examine("toy", (width_is_four, divides), 4)
    assert (kept.error, fell.error) == (None, None)
    broken, zero = examine("toy", (width_is_four, divides), 0)
    assert isinstance(broken.error, BrokenError)
    assert isinstance(zero.error, ZeroDivisionError)
    assert broken.seen == "it is 0"
    assert zero.seen.startswith("ZeroDivisionError: ")


def test_a_contract_is_the_docstring_of_its_check_on_one_line():
    assert announced("toy", width_is_four) == (
        "The width is four, whatever else there is.",
        f"{PAGE}#toy-width-is-four",
    )


def test_the_first_broken_contract_is_explained_and_nothing_is_checked_after_it():
    hold("toy", "mine", (width_is_four, divides), 4)
    with pytest.raises(AssertionError) as caught:
        hold("toy", "mine", (width_is_four, pytest.fail), 3)
    assert str(caught.value).splitlines() == [
        "toy 'mine' breaks a contract",
        "  contract: The width is four, whatever else there is.",
        "  seen:     it is 3",
        f"  written:  {PAGE}#toy-width-is-four",
    ]
    assert isinstance(caught.value.__cause__, BrokenError)
