"""The kit for hooks: plugins that keep the contracts pass, and planted faults are found."""

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.testing.contracts import PAGE
from emonet_bench.testing.hooks import HOOKS, HooksBench, check_hooks
from tests.testing.faults import broken

pytestmark = pytest.mark.filterwarnings("ignore:emonet_executor is asked no more:DeprecationWarning")

HEAD = "from concurrent.futures import ThreadPoolExecutor\nfrom emonet_bench import hookimpl\n"
FOLLOWS = """
@hookimpl
def emonet_run_started(spec, directory): (directory / "note").write_text(spec.title)
@hookimpl
def emonet_epoch_finished(spec, epoch, scores, directory): assert scores["loss"] > 0 and epoch in (1, 2)
@hookimpl
def emonet_run_finished(result): assert result.record["scores"]["test"]["uar"] == 0.5
@hookimpl
def emonet_run_failed(error, directory): assert (directory / "note").is_file() and error.message
@hookimpl
def emonet_skip(spec): return "no reason" if spec.seed else None
@hookimpl
def emonet_extend_record(spec): return lambda record: {"seed": spec.seed, "failed": "error" in record}
@hookimpl
def emonet_executor(name, workers): return ThreadPoolExecutor(workers) if name == "threads" else None
"""
NEEDS_AN_EPOCH = "@hookimpl\ndef emonet_run_failed(directory): (directory / 'history.csv').read_text()\n"
FAULTS = {
    "a start that raises": ("@hookimpl\ndef emonet_run_started(): 1 / 0\n", "run-followed", "ZeroDivisionError"),
    "an end that raises": ("@hookimpl\ndef emonet_run_finished(result): result.no\n", "run-followed", "has no"),
    "an epoch before a failure": (NEEDS_AN_EPOCH, "failure-followed", "FileNotFoundError"),
    "a skip in numbers": ("@hookimpl\ndef emonet_skip(): return 3\n", "skip-answers", "emonet_skip gave 3"),
    "a skip without words": ("@hookimpl\ndef emonet_skip(): return ' '\n", "skip-answers", "emonet_skip gave ' '"),
    "facts in a set": (
        "@hookimpl\ndef emonet_extend_record(): return lambda record: {'seen': {1, 2}}\n",
        "record-extended",
        "gave facts that no record holds: seen",
    ),
    "facts instead of a function": (
        "@hookimpl\ndef emonet_extend_record(): return {'joules': 1.0}\n",
        "record-extended",
        "emonet_extend_record gave {'joules': 1.0}",
    ),
    "facts that need scores": (
        "@hookimpl\ndef emonet_extend_record(): return lambda record: record['scores']\n",
        "record-extended",
        "KeyError",
    ),
    "an executor for all": (
        "@hookimpl\ndef emonet_executor(workers): return ThreadPoolExecutor(workers)\n",
        "other-names-left",
        "emonet_executor gave ThreadPoolExecutor for",
    ),
}


@pytest.fixture
def load(tmp_path):
    def loaded(**codes):
        for name, code in codes.items():
            (tmp_path / f"{name}.py").write_text(HEAD + code)
        return Plugins(Selection(names=(), files=tuple(tmp_path / f"{name}.py" for name in codes)))

    return loaded


def test_a_plugin_that_keeps_all_contracts_passes(load):
    check_hooks("mine", load(mine=FOLLOWS))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_explained(load, fault):
    code, section, seen = FAULTS[fault]
    message = broken(check_hooks, "mine", load(mine=code))
    assert "hooks 'mine' breaks a contract" in message
    assert f"written:  {PAGE}#hooks-{section}" in message
    assert seen in message


def test_only_the_plugin_that_is_named_is_held_to_the_contracts(load):
    plugins = load(mine=FOLLOWS, other=FAULTS["a start that raises"][0])
    check_hooks("mine", plugins)
    assert "ZeroDivisionError" in broken(check_hooks, "other", plugins)


def test_a_plugin_that_is_not_loaded_passes_nothing(load):
    with pytest.raises(ConfigError, match=r"^unknown plugin 'mein'; did you mean 'mine'\?$"):
        check_hooks("mein", load(mine=FOLLOWS))


def test_the_bench_tells_which_hooks_a_plugin_has(load):
    plugins = load(mine=FOLLOWS, other=FAULTS["a skip in numbers"][0])
    assert [hook for hook in HOOKS if HooksBench(plugins, "mine").implements(hook)] == list(HOOKS)
    assert [hook for hook in HOOKS if HooksBench(plugins, "other").implements(hook)] == ["emonet_skip"]
