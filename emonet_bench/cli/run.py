"""``emonet-bench run matrix``: the main job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from emonet_bench.cli.reading import Reading
from emonet_bench.cli.shell import Shell
from emonet_bench.console.paths import PathParam
from emonet_bench.console.terminal import Terminal
from emonet_bench.errors import ConfigError
from emonet_bench.plugins.loading import Selection

if TYPE_CHECKING:
    from emonet_bench.matrix.options import RunOptions
    from emonet_bench.matrix.planning.overrides import Overrides

DEMO = Path(__file__).with_name("demo.toml")


@click.group()
def run() -> None:
    """Run experiments."""


@run.command()
@click.argument("file", type=PathParam(dir_okay=False), required=False)
@click.option("--corpora", metavar="A,B", help="Corpora, instead of the file's.")
@click.option("--architectures", metavar="A,B", help="Architectures, instead of the file's.")
@click.option("--strategies", metavar="A,B", help="Strategies, instead of the file's.")
@click.option("--seeds", metavar="0,1", help="Seeds, instead of the file's.")
@click.option(
    "--source",
    help="Where transfer starts: multi-task, multi-task+target, a corpus, a run's directory or a checkpoint.",
)
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set one value, such as training.epochs=5.")
@click.option("--results", type=PathParam(), default=Path("results"), show_default=True, help="Results directory.")
@click.option("--corpora-dir", type=PathParam(), help="Directory with one folder for each corpus.")
@click.option("--jobs", default="auto", show_default=True, help="Cells at once: a number, or auto.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--executor", default="processes", show_default=True, help="Where cells run; plugins offer more.")
@click.option("--executor-option", multiple=True, metavar="KEY=VALUE", help="An option of the executor. Repeatable.")
@click.option("--shard", metavar="I/N", help="Run the I-th of N equal shares; cells stay with their source.")
@click.option("--limit", type=click.IntRange(2), help="Most clips of each partition: a smoke run.")
@click.option("--export", "export_", is_flag=True, help="Export every cell to ONNX and check it.")
@click.option("--card", is_flag=True, help="Export every cell, and measure what the file does.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@click.option("--force", is_flag=True, help="Run everything again.")
@click.option("--retry-failed", is_flag=True, help="Run failed cells again.")
@click.option("--reuse", is_flag=True, help="Take results of other versions of the plugins as they are.")
@click.option("--plugin", "files", type=PathParam(), multiple=True, help="Load a plugin from a single file.")
@click.option("--skip-bad-files", is_flag=True, help="Leave bad audio files out, and say how many.")
@click.option("--strict", is_flag=True, help="Stop at a broken plugin or a leaking protocol.")
@click.pass_context
def matrix(context: click.RichContext, /, file: Path | None, **flags: Any) -> None:
    """Train every combination of corpora, architectures, strategies and seeds; print the UAR table.

    Without FILE, a small demonstration on synthetic speech. A finished cell is never run twice: call it again to
    continue.
    """
    from emonet_bench.matrix.planning.plan import matrix_source, plan  # noqa: PLC0415 - pandas is slow to import
    from emonet_bench.matrix.resources import choose_gpu  # noqa: PLC0415

    overrides = _overrides(flags, choose_gpu(flags["device"]))
    given = matrix_source(file or DEMO)
    source = replace(given, values=overrides.applied(given.values), where=str(file or "the demo matrix"))
    options = _options(flags)
    console = Terminal()
    shell = context.find_root().command
    assert isinstance(shell, Shell)
    plugins = shell.load(source.selection(_selection(context, flags)))
    with Reading(console) as reading:
        planned = plan(source, plugins, skip_bad=options.skip_bad_files, reading=reading).share(flags["shard"])
    if flags["dry_run"]:
        from emonet_bench.cli.dry_run import show  # noqa: PLC0415 - rarely needed

        show(planned, options, console)
        return
    from emonet_bench.cli.matrix import work  # noqa: PLC0415 - torch is imported for real work only

    if work(planned, options, console).failures:
        context.exit(1)


def _overrides(flags: Mapping[str, Any], device: str) -> Overrides:
    from emonet_bench.matrix.planning.overrides import Overrides  # noqa: PLC0415 - pydantic is slow to import

    lists = {axis: _listed(axis, flags[axis]) for axis in ("corpora", "architectures", "strategies", "seeds")}
    return Overrides(**lists, source=flags["source"], settings=flags["settings"], limit=flags["limit"], device=device)


def _options(flags: Mapping[str, Any]) -> RunOptions:
    from emonet_bench.matrix.options import RunOptions  # noqa: PLC0415 - pydantic is slow to import
    from emonet_bench.matrix.planning.overrides import read_setting  # noqa: PLC0415

    return RunOptions(
        results=flags["results"],
        jobs=flags["jobs"],
        executor=flags["executor"],
        executor_options=dict(
            read_setting(text, "--executor-option", "key=value") for text in flags["executor_option"]
        ),
        export=flags["export_"] or flags["card"],
        force=flags["force"],
        retry_failed=flags["retry_failed"],
        reuse=flags["reuse"],
        skip_bad_files=flags["skip_bad_files"],
        card=flags["card"],
    )


def _listed(axis: str, text: str | None) -> list[Any] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if axis != "seeds":
        return names
    try:
        return [int(name) for name in names]
    except ValueError:
        raise ConfigError(f"--seeds {text[:40]}: give whole numbers, separated by commas") from None


def _selection(context: click.Context, flags: dict[str, Any]) -> Selection:
    given: Selection = context.obj or Selection()
    return replace(
        given,
        files=(*given.files, *flags["files"]),
        strict=given.strict or flags["strict"],
        corpora_dir=flags["corpora_dir"] or given.corpora_dir,
    )
