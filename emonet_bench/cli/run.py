"""``emonet-bench run matrix``: the main job."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import rich_click as click

from emonet_bench.cli.shell import Shell
from emonet_bench.cli.terminal import Terminal
from emonet_bench.config import read_toml
from emonet_bench.errors import ConfigError
from emonet_bench.plugins.loading import Selection

DEMO = Path(__file__).with_name("demo.toml")
_AXES = {"corpora": "corpus", "architectures": "architecture", "strategies": "strategy", "seeds": "seed"}


@click.group()
def run() -> None:
    """Run experiments."""


@run.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--corpora", metavar="A,B", help="Corpora, instead of the file's.")
@click.option("--architectures", metavar="A,B", help="Architectures, instead of the file's.")
@click.option("--strategies", metavar="A,B", help="Strategies, instead of the file's.")
@click.option("--seeds", metavar="0,1", help="Seeds, instead of the file's.")
@click.option(
    "--source",
    help="Where transfer starts: multi-task, multi-task+target, a corpus, a run's directory or a checkpoint.",
)
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set one value, such as training.epochs=5.")
@click.option(
    "--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Results directory."
)
@click.option("--corpora-dir", type=click.Path(path_type=Path), help="Directory with one folder for each corpus.")
@click.option("--jobs", default="auto", show_default=True, help="Cells at once: a number, or auto.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--executor", default="processes", show_default=True, help="Where cells run; plugins offer more.")
@click.option("--ray-address", envvar="RAY_ADDRESS", metavar="ADDRESS", help="Cluster of --executor ray.")
@click.option("--shard", metavar="I/N", help="Run the I-th of N equal shares; cells stay with their source.")
@click.option("--limit", type=click.IntRange(2), help="Most clips of each partition: a smoke run.")
@click.option("--export", "export_", is_flag=True, help="Export every cell to ONNX and check it.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@click.option("--force", is_flag=True, help="Run everything again.")
@click.option("--retry-failed", is_flag=True, help="Run failed cells again.")
@click.option(
    "--plugin", "files", type=click.Path(path_type=Path), multiple=True, help="Load a plugin from a single file."
)
@click.option("--skip-bad-files", is_flag=True, help="Leave bad audio files out, and say how many.")
@click.option("--strict", is_flag=True, help="Stop at a broken plugin or a leaking protocol.")
@click.pass_context
def matrix(context: click.RichContext, /, file: Path | None, **flags: Any) -> None:
    """Train every combination of corpora, architectures, strategies and seeds; print the UAR table.

    Without FILE, a small demonstration on synthetic speech. A finished cell is never run twice: call it again to
    continue.
    """
    _choose_gpu(flags["device"])
    if flags["ray_address"]:
        os.environ["RAY_ADDRESS"] = flags["ray_address"]  # where Ray itself looks
    values = with_flags(read_toml(file or DEMO), flags)
    where = str(file or "the demo matrix")
    selection = replace(_selection(context, flags), places=places(values, Path(where).absolute().parent))
    from emonet_bench.cli.plan import chosen_shard, plan  # noqa: PLC0415 - pandas is slow to import

    console = Terminal()
    shell = context.find_root().command
    assert isinstance(shell, Shell)
    planned = plan(values, where, shell.load(selection), console, skip_bad=flags["skip_bad_files"])
    planned = chosen_shard(planned, flags["shard"])
    if flags["dry_run"]:
        from emonet_bench.cli.dry_run import show  # noqa: PLC0415 - rarely needed

        show(planned, selection, flags, console)
        return
    from emonet_bench.cli.matrix import work  # noqa: PLC0415 - torch is imported for real work only

    failed = work(planned, selection, flags, console)
    if failed:
        context.exit(1)


def with_flags(values: dict[str, Any], flags: dict[str, Any]) -> dict[str, Any]:
    """Let flags override what a matrix file says."""
    values = dict(values)
    for axis, singular in _AXES.items():
        if flags[axis] is not None:
            chosen = _listed(axis, flags[axis])
            present = values.get(axis)
            values[axis] = {n: present.get(n, {}) for n in chosen} if isinstance(present, dict) else chosen
            # What the file leaves out on an axis that a flag names is no longer left out.
            values["exclude"] = [entry for entry in values.get("exclude", []) if singular not in entry]
    if flags["source"] is not None:
        values["source"] = flags["source"]
    for setting in flags["settings"]:
        _set(values, setting)
    if flags["limit"] is not None:
        _set(values, f"training.limit={flags['limit']}")
    if flags["device"] != "auto":
        _set(values, f"training.device={flags['device'].partition(':')[0]}")
    return values


def places(values: Mapping[str, Any], base: Path) -> dict[str, Path]:
    """Tell where a matrix file says that corpora lie which it does not describe by a card."""
    entries = values.get("corpora")
    return {
        name: base / os.path.expanduser(entry["path"])  # noqa: PTH111 - pathlib's raises where there is no such user
        for name, entry in (entries.items() if isinstance(entries, Mapping) else ())
        if isinstance(entry, Mapping) and isinstance(entry.get("path"), str) and "card" not in entry
    }


def _listed(axis: str, text: str) -> list[Any]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if axis != "seeds":
        return names
    try:
        return [int(name) for name in names]
    except ValueError:
        raise ConfigError(f"--seeds {text}: give whole numbers, separated by commas") from None


def _set(values: dict[str, Any], setting: str) -> None:
    key, equals, text = setting.partition("=")
    if not equals:
        raise ConfigError(f"--set {setting}: write it as key=value, such as training.epochs=5")
    *path, last = key.strip().split(".")
    inner = values
    for part in path:
        inner[part] = dict(inner.get(part, {}))
        inner = inner[part]
    inner[last] = _value(text.strip())


def _value(text: str) -> Any:
    """Read a TOML value; anything else is a string. TOML has no null: ``none`` stands for it."""
    if text.lower() == "none":
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _choose_gpu(device: str) -> None:
    kind, colon, index = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (colon and not (kind == "cuda" and index.isdecimal())):
        raise ConfigError(f"--device {device}: give auto, cpu, cuda or cuda:N")
    if colon:
        os.environ["CUDA_VISIBLE_DEVICES"] = index  # workers inherit it


def _selection(context: click.Context, flags: dict[str, Any]) -> Selection:
    given: Selection = context.obj or Selection()
    corpora_dir: Path | None = flags["corpora_dir"] or given.corpora_dir
    return replace(
        given,
        files=tuple(file.absolute() for file in (*given.files, *flags["files"])),  # for workers with another directory
        strict=given.strict or flags["strict"],
        corpora_dir=corpora_dir and corpora_dir.absolute(),
    )
