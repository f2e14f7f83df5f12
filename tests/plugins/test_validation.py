"""Plugin validation: what is wrong with a plugin is one line that names it."""

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PathDistribution
from types import SimpleNamespace

import pytest

from emonet_bench import hookimpl
from emonet_bench.config import Options
from emonet_bench.errors import PluginError
from emonet_bench.plugins.validation import check_answer, check_host, check_marked, checked, host_pins
from emonet_bench.types import Strategy


@pytest.fixture
def distribution(tmp_path):
    """A package that asks for something."""

    def make(*requires, name="mine"):
        info = tmp_path / "mine-1.0.dist-info"
        info.mkdir()
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            "Version: 1.0",
            *(f"Requires-Dist: {one}" for one in requires),
        ]
        (info / "METADATA").write_text("\n".join([*lines, ""]))
        return PathDistribution(info)

    return make


@pytest.mark.parametrize("requires", ["emonet-bench>=99", "Emonet_Bench>=99", "emonet.bench>=99; python_version > '3'"])
def test_a_newer_host_that_is_asked_for_is_named_with_this_one(distribution, requires):
    with pytest.raises(
        PluginError, match=r"^needs emonet-bench>=99, this is emonet-bench \d.*; upgrade one of the two$"
    ):
        check_host(distribution(requires))


@pytest.mark.parametrize(
    "requires", ["emonet-bench>=0.1", "other>=99", "emonet-bench>=99; extra == 'test'", "emonet-bench-extras>=99"]
)
def test_what_does_not_concern_the_host_is_not_asked_of_it(distribution, requires):
    check_host(distribution(requires))


def test_the_host_asks_nothing_of_itself_and_no_package_asks_nothing(distribution):
    assert host_pins(None) == []
    assert host_pins(distribution("emonet-bench>=99", name="emonet-bench")) == []


def test_a_release_candidate_of_the_host_is_held_to_be_what_it_says(distribution, monkeypatch):
    monkeypatch.setattr("emonet_bench.plugins.validation.version", lambda _: "0.9.0rc1")
    mine = distribution("emonet-bench>=0.1")
    check_host(mine)
    monkeypatch.setattr("emonet_bench.plugins.validation.version", lambda _: "0.1.0rc1")
    with pytest.raises(PluginError, match=r"this is emonet-bench 0\.1\.0rc1"):
        check_host(mine)


def test_an_unreadable_requirement_is_one_line(distribution):
    with pytest.raises(PluginError, match=r"^a requirement of mine cannot be read: .*; mend its metadata$") as caught:
        check_host(distribution("numpy (>=1.x"))
    assert "\n" not in str(caught.value)


def test_a_hook_without_its_mark_is_caught_and_other_names_are_not():
    def marked():
        return []

    check_marked(SimpleNamespace(emonet_strategies=hookimpl(marked), emonet_hookless=len, emonet_corpora=None))
    with pytest.raises(PluginError, match=r"^emonet_strategies is not marked with @emonet_bench\.hookimpl"):
        check_marked(SimpleNamespace(emonet_strategies=list))


STRATEGY = Strategy("own", Options, prepare=None)


def test_descriptors_come_back_as_a_list_from_any_iterable():
    assert checked(iter([STRATEGY]), Strategy, "emonet_strategies") == [STRATEGY]


@pytest.mark.parametrize(
    ("things", "message"),
    [
        (7, "must return Strategy descriptors in a list; got 7"),
        ("own", "in a list; got 'own'"),
        ([STRATEGY, None], "must return Strategy descriptors; got None"),
        ([Strategy("own", dict, prepare=None)], "options of 'own' must be a subclass of emonet_bench.config.Options"),
    ],
)
def test_anything_but_descriptors_is_named(things, message):
    with pytest.raises(PluginError, match=f"^emonet_strategies.*{message}"):
        checked(things, Strategy, "emonet_strategies")


def test_an_answer_of_the_wrong_kind_is_named():
    check_answer("emonet_skip", "too short")
    with ThreadPoolExecutor() as executor:
        check_answer("emonet_executor", executor)
    for hook, answer in (("emonet_skip", True), ("emonet_executor", "ray")):
        with pytest.raises(PluginError, match=rf"^{hook} must return .* got {answer!r}"):
            check_answer(hook, answer)
