"""Commands of each architecture, a group for each, as in EmoNet: ``single-task``, ``multi-task`` and ``evaluate``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from emonet_bench.cli import task_flags
from emonet_bench.cli.options import Owned, flags, given_to
from emonet_bench.cli.task_flags import JOINT_RECIPE, RECIPE
from emonet_bench.config import Training
from emonet_bench.data.tables import read_directory, read_tables
from emonet_bench.errors import ConfigError
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import Architecture, Corpus, Partition, Strategy

TRAINING = "training"
"""Whose the options of the training are, among those of architectures and strategies."""


class ManyValues(click.RichCommand):
    """A command whose repeatable options take several values after one flag: ``-t emodb urdu -e 3``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the flag before each of its values, then parse as usual."""
        many = {flag for option in self.params if getattr(option, "multiple", False) for flag in option.opts}
        return super().parse_args(ctx, list(_repeated(args, many)))


def _repeated(arguments: Iterable[str], many: set[str]) -> Iterator[str]:
    """Spell ``-t a b`` as ``-t a -t b``.

    >>> " ".join(_repeated("-dp wavs -t emodb urdu -e 3".split(), {"-t"}))
    '-dp wavs -t emodb -t urdu -e 3'
    """
    flag, values = "", 0
    for argument in arguments:
        if argument.startswith("-"):
            flag, values = argument if argument in many else "", 0
        else:
            values += 1
            if flag and values > 1:
                yield flag
        yield argument


def group(architecture: Architecture, plugins: Plugins) -> click.RichGroup:
    """Make the commands of one architecture.

    Args:
        architecture: Its options become flags.
        plugins: The strategies registered there become modes, and their options flags.
    """
    single = {name: strategy for name, strategy in plugins.strategies.items() if not strategy.multi_corpus}
    joint = {name: strategy for name, strategy in plugins.strategies.items() if strategy.multi_corpus}
    made = click.RichGroup(
        name=architecture.name, help=f"Train and evaluate {architecture.name} on tables of audio files."
    )
    if single:
        made.add_command(_single_task(architecture, plugins, single))
    if joint:
        made.add_command(_multi_task(architecture, plugins, joint))
    made.add_command(_evaluate(architecture, plugins))
    return made


def _single_task(architecture: Architecture, plugins: Plugins, modes: Mapping[str, Strategy]) -> click.RichCommand:
    """Train on one corpus, given as three tables, and score it on the test table."""

    def command(**values: Any) -> None:
        tables: dict[Partition, Path] = {
            "train": values["train_csv"],
            "dev": values["val_csv"],
            "test": values["test_csv"],
        }
        corpus = read_tables(_checked(values["task"]), values["data_path"], tables)
        _run(architecture, plugins, values["mode"], [corpus], RECIPE)

    own = [*task_flags.single_data(), task_flags.mode(modes), *task_flags.run()]
    parameters = [*own, *flags(_panels(architecture, plugins, modes), own, RECIPE, task_flags.SHOWN, _names(plugins))]
    return ManyValues(name="single-task", params=parameters, callback=command, help=_single_task.__doc__)


def _multi_task(architecture: Architecture, plugins: Plugins, known: Mapping[str, Strategy]) -> click.RichCommand:
    """Train one network on several corpora in turn, each given as a folder of three tables."""

    def command(**values: Any) -> None:
        names = list(dict.fromkeys(map(_checked, values["tasks"])))
        if not names[1:]:
            raise ConfigError("-t/--tasks: name at least two tasks, such as -t one two; for one there is single-task")
        corpora = [_folder(name, values["data_path"], values["multi_task_setup"]) for name in names]
        _run(architecture, plugins, values.get("strategy", next(iter(known))), corpora, JOINT_RECIPE)

    own = [*task_flags.joint_data(), *task_flags.strategy(known), *task_flags.run()]
    parameters = [
        *own,
        *flags(_panels(architecture, plugins, known), own, JOINT_RECIPE, task_flags.SHOWN, _names(plugins)),
    ]
    return ManyValues(name="multi-task", params=parameters, callback=command, help=_multi_task.__doc__)


def _evaluate(architecture: Architecture, plugins: Plugins) -> click.RichCommand:
    """Score a trained network on a table of clips: UAR, and a table of predictions."""

    def command(**values: Any) -> None:
        from emonet_bench.cli.task_evaluate import evaluate  # noqa: PLC0415 - torch is imported for real work only
        from emonet_bench.console.terminal import Terminal  # noqa: PLC0415 - slow

        evaluate(architecture, plugins, Terminal(), **values)

    return click.RichCommand(name="evaluate", params=task_flags.evaluation(), callback=command, help=_evaluate.__doc__)


def _panels(architecture: Architecture, plugins: Plugins, strategies: Mapping[str, Strategy]) -> dict[str, list[Owned]]:
    shipped = plugins.architectures.origin(architecture.name).shipped
    owned = [
        Owned(name, strategy.options, plugins.strategies.origin(name).shipped) for name, strategy in strategies.items()
    ]
    return {
        "Training": [Owned(TRAINING, Training)],
        f"Network: {architecture.name}": [Owned(architecture.name, architecture.options, shipped)],
        "Strategy": sorted(owned, key=lambda one: not one.shipped),
    }


def _names(plugins: Plugins) -> dict[str, list[str]]:
    return {
        "augment": list(plugins.augmentations),
        "loss": list(plugins.losses),
        "optimizer": list(plugins.optimizers),
    }


def _folder(name: str, data_path: Path, setup: Path) -> Corpus:
    if not (setup / name).is_dir():
        raise ConfigError(f"-t/--tasks {name}: {setup} has no folder of that name")
    return read_directory(name, data_path, setup / name)


def _checked(name: str) -> str:
    if "+" in name:
        raise ConfigError(f"-t {name}: a task's name must not hold '+', which joins the names of several")
    return name


def _run(
    architecture: Architecture, plugins: Plugins, strategy: str, corpora: Sequence[Corpus], recipe: Mapping[str, Any]
) -> None:
    from emonet_bench.cli.task_run import carry_out  # noqa: PLC0415 - torch is imported for real work only
    from emonet_bench.console.terminal import Terminal  # noqa: PLC0415 - slow
    from emonet_bench.matrix.options import RunOptions  # noqa: PLC0415
    from emonet_bench.matrix.task import Task  # noqa: PLC0415

    context = click.get_current_context()
    assert context is not None
    values = context.params
    task = Task(
        architecture,
        plugins.strategies[strategy],
        tuple(corpora),
        recipe,
        given_to(context),
        source=values["initial_model"],
        seed=values["seed"],
        threads=values["n_workers"],
    )
    # A command that names one run and is typed again wants it done, whatever became of the last attempt.
    options = RunOptions(values["experiment_base_path"], jobs=1, force=values["force"], retry_failed=True)
    try:
        finished = carry_out(task, plugins, options, Terminal())
    except ConfigError as error:
        raise ConfigError(task_flags.in_flags(str(error), context.command.params)) from error
    if not finished:
        context.exit(1)
