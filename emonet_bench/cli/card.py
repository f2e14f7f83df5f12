"""``emonet-bench card``: what an exported file does, measured on the file itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import rich_click as click

from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import say
from emonet_bench.directories import cache_directory
from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import Corpus, Partition

if TYPE_CHECKING:
    from emonet_bench.cli.reading import Bars
    from emonet_bench.model_card.measuring import Measured, Plan
    from emonet_bench.model_card.setting import Setting


@click.command()
@click.argument("model", type=PathParam(dir_okay=False))
@click.option("--corpus", help="Corpus to measure on [default: the one that it was trained on].")
@click.option("--protocol", help="Its protocol, with a label map where there is one [default: the run's].")
@click.option("--fold", type=click.IntRange(0), help="The protocol's fold [default: the run's].")
@click.option(
    "--partition", type=click.Choice(get_args(Partition)), default="test", show_default=True, help="Which clips."
)
@click.option("--babble", metavar="CORPUS", help="Mix babble from the train clips of another corpus.")
@click.option("--other", "others", multiple=True, metavar="CORPUS", help="Also score another corpus. Repeatable.")
@click.option(
    "--against",
    type=PathParam(dir_okay=False),
    metavar="OTHER",
    help="Measure another file, too, and compare the two pairwise.",
)
@click.option(
    "--run",
    type=PathParam(file_okay=False),
    metavar="RUN",
    help="The file's run, for parameters and recipe [default: beside the file].",
)
@click.option("--limit", type=click.IntRange(2), help="Change at most so many clips in each way.")
@click.option("--listen", is_flag=True, help="Write one clip as each condition leaves it, to hear it.")
@click.option(
    "-o",
    "--output",
    type=PathParam(file_okay=False),
    default=Path("card"),
    show_default=True,
    help="Directory for card.html, card.md and card.json.",
)
@click.pass_context
def card(
    context: click.Context,
    /,
    model: Path,
    output: Path,
    against: Path | None,
    *,
    listen: bool,
    **given: Any,
) -> None:
    """Measure what the exported file MODEL does, and write a model card: HTML, Markdown and JSON.

    By default on the clips that its run tested: it says which. Everything is measured through the file itself.
    """
    from emonet_bench.cli.reading import Bars  # noqa: PLC0415 - slow, as all of these
    from emonet_bench.console.terminal import Terminal  # noqa: PLC0415
    from emonet_bench.model_card.comparison import compare_measured, write_comparison  # noqa: PLC0415
    from emonet_bench.model_card.files import write_card  # noqa: PLC0415
    from emonet_bench.model_card.listening import write_variants  # noqa: PLC0415

    corpora = Plugins(context.obj).corpora
    _make(output)
    with Bars(Terminal(stderr=True)) as watch:
        plan, measured = _measured(model, given, corpora, watch)
        setting = plan.setting
        same = {"corpus": setting.opened.corpus.name, "protocol": setting.opened.protocol, "fold": setting.fold}
        other = None if against is None else _measured(against, {**given, **same, "run": None}, corpora, watch)[1]
        comparison = None if other is None else compare_measured(measured, other)
    written = write_card(measured.card, output)
    if listen:
        _make(output / "variants")
        write_variants(setting.clips, plan.conditions, output / "variants")
    found, grade = measured.card.uar, measured.card.robustness.grade
    say(
        f"{written[-1]}: {_where(setting)}: UAR {found.value:.3f} [{found.low:.3f}, {found.high:.3f}], "
        f"robustness {grade.letter or 'not graded'}"
    )
    if comparison is not None:
        say(f"{write_comparison(comparison, output)}: {model.name} against {comparison.second}")


def _measured(
    model: Path, given: Mapping[str, Any], corpora: Mapping[str, Corpus], watch: Bars
) -> tuple[Plan, Measured]:
    """Measure a file on the clips that were asked for.

    Raises:
        ConfigError: It is a bank, among other mistakes.
    """
    from emonet_bench.deploy import Predictor  # noqa: PLC0415 - onnxruntime
    from emonet_bench.deploy.model import open_tasks  # noqa: PLC0415
    from emonet_bench.model_card.measuring import Plan, measure  # noqa: PLC0415 - slow
    from emonet_bench.model_card.setting import Wanted, choose, other_clips  # noqa: PLC0415
    from emonet_bench.model_card.training import find_record  # noqa: PLC0415

    if None not in open_tasks(model, "cpu"):
        raise ConfigError(f"{model}: is a bank of several tasks; export a run without --bank, and measure that file")
    predictor = Predictor(model, "cpu")
    record = find_record(model, predictor.metadata.get("run_id", ""), given["run"])
    wanted = Wanted(**{name: given[name] for name in ("corpus", "protocol", "fold", "partition")})
    setting = choose(predictor, wanted, corpora, cache_directory(), watch)
    opened = partial(other_clips, setting=setting, corpora=corpora, cache=cache_directory(), reading=watch)
    talkers = None if given["babble"] is None else opened(given["babble"], "train", "--babble")
    others = {name: opened(name, "test", "--other") for name in given["others"]}
    plan = Plan(setting, given["limit"], talkers, others, record)
    return plan, measure(predictor, model, plan, watch)


def _where(setting: Setting) -> str:
    fold = "" if setting.fold is None else f", fold {setting.fold}"
    return f"{setting.opened.corpus.name} {setting.opened.protocol}{fold}, {setting.partition}"


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"--output {directory}: cannot be made ({error.strerror}); choose another place") from error
