"""The contract kit for hooks: what a plugin does beside a matrix, tried on a cell that is made up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError
from emonet_bench.plugins.extensions import checked_extension
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.spec import RunResult, RunSpec
from emonet_bench.testing.contracts import BrokenError, hold
from emonet_bench.validation_messages import did_you_mean

SPEC = RunSpec(
    corpus="kit",
    protocol="fixed",
    architecture="kit",
    architecture_options={},
    strategy="kit",
    strategy_options={},
    training=Training(),
    seed=0,
)
"""The cell that is made up."""

RUN_ID = "0" * 16
FINISHED = {
    "run_id": RUN_ID,
    "scores": {part: {"uar": 0.5, "accuracy": 0.5, "macro_f1": 0.5} for part in ("dev", "test")},
    "seconds": {"load": 1.0, "train": 1.0, "evaluate": 1.0},
    "started": "2026-01-02T03:04:05Z",
    "finished": "2026-01-02T03:04:08Z",
}
"""What its record says in the end; and where it fails:"""
FAILED = {
    **{name: value for name, value in FINISHED.items() if name != "scores"},
    "error": {"type": "RuntimeError", "message": "made up", "traceback": ""},
}

NOBODYS = "a name that is nobody's"


@dataclass(frozen=True)
class HooksBench:
    """A plugin's hooks on the bench.

    Attributes:
        plugins: Where the plugin is loaded.
        name: Its name.
    """

    plugins: Plugins
    name: str

    def implements(self, hook: str) -> bool:
        """Tell whether the plugin has a hook."""
        implementations = getattr(self.plugins.manager.hook, hook).get_hookimpls()
        return any(one.plugin_name == self.name for one in implementations)

    def call(self, hook: str, **arguments: Any) -> Any:
        """Call a hook of this plugin alone."""
        others = [plugin for name, plugin in self.plugins.manager.list_name_plugin() if name != self.name]
        return self.plugins.manager.subset_hook_caller(hook, others)(**arguments)

    @contextmanager
    def results(self) -> Iterator[Path]:
        """Make a results directory with the directory of one run in it."""
        with TemporaryDirectory() as folder:
            directory = Path(folder) / "kit-kit-kit-s0"
            directory.mkdir()
            yield directory


def check_hooks(name: str, plugins: Plugins | None = None) -> None:
    """Hold the hooks of a plugin to their contracts.

    Args:
        name: The plugin's name.
        plugins: Where it is loaded; None: what is installed.

    Raises:
        AssertionError: It breaks one; the message says which, what was seen and where the contract is written.
        ConfigError: No plugin of this name is loaded.
    """
    plugins = plugins or Plugins()
    loaded = [known for known, _ in plugins.manager.list_name_plugin()]
    if name not in loaded:
        raise ConfigError(f"unknown plugin {name!r}{did_you_mean(name, loaded)}")
    hold("hooks", name, CHECKS, HooksBench(plugins, name))


def run_followed(bench: HooksBench) -> None:
    """A run can be followed: its start, two epochs and its end, in a results directory that is otherwise empty."""
    with bench.results() as directory:
        bench.call("emonet_run_started", spec=SPEC, directory=directory)
        for epoch in (1, 2):
            scores = {"loss": 1.0 / epoch, "dev_uar": 0.25 * epoch, "learning_rate": 1e-3}
            bench.call("emonet_epoch_finished", spec=SPEC, epoch=epoch, scores=scores, directory=directory)
        result = RunResult(RUN_ID, SPEC, FINISHED)
        bench.call("emonet_run_finished", spec=SPEC, result=result, directory=directory)


def failure_followed(bench: HooksBench) -> None:
    """A run that fails can be followed, also one that failed before its first epoch."""
    with bench.results() as directory:
        bench.call("emonet_run_started", spec=SPEC, directory=directory)
        error = RunError(type="RuntimeError", message="made up", traceback="Traceback ...")
        bench.call("emonet_run_failed", spec=SPEC, error=error, directory=directory)


def skip_answers(bench: HooksBench) -> None:
    """``emonet_skip`` answers with a reason in words, or None."""
    answer = bench.call("emonet_skip", spec=SPEC)
    if answer is not None and not (isinstance(answer, str) and answer.strip()):
        raise BrokenError(f"emonet_skip gave {answer!r}")


def record_extended(bench: HooksBench) -> None:
    """``emonet_extend_record`` answers with a function of the record, or None; its facts fit into a record, or None."""
    for spec in (SPEC, SPEC.model_copy(update={"seed": 1})):  # one run after another, in the same process
        for end in bench.call("emonet_extend_record", spec=spec):
            if not callable(end):
                raise BrokenError(f"emonet_extend_record gave {end!r}")
            for record in (FINISHED, FAILED):
                if facts := end({**record, "spec": spec.model_dump(mode="json")}):
                    _hold_facts(facts)


def _hold_facts(facts: object) -> None:
    try:
        checked_extension(facts)
    except ValueError as error:
        raise BrokenError(f"the function of emonet_extend_record {error}") from None


def other_names_left(bench: HooksBench) -> None:
    """``emonet_executor`` answers None to a name that is somebody else's."""
    answer = bench.call("emonet_executor", name=NOBODYS, workers=1)
    if isinstance(answer, Executor):
        answer.shutdown(wait=False)
    if answer is not None:
        raise BrokenError(f"emonet_executor gave {type(answer).__name__} for {NOBODYS!r}")


CHECKS = (run_followed, failure_followed, skip_answers, record_extended, other_names_left)
"""In the order in which they help most; each one's docstring is the contract."""

HOOKS = (
    "emonet_run_started",
    "emonet_epoch_finished",
    "emonet_run_finished",
    "emonet_run_failed",
    "emonet_skip",
    "emonet_extend_record",
    "emonet_executor",
)
"""The hooks that the kit calls."""
