"""``emonet-bench export``: trained runs as one ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import say
from emonet_bench.directories import cache_directory
from emonet_bench.errors import AudioError, ConfigError, CorpusError, ExportError
from emonet_bench.plugins.loading import Plugins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emonet_bench.data.dataset import Clips
    from emonet_bench.export import Trained
    from emonet_bench.runs.record import RunRecord
    from emonet_bench.types import InputSpec, Partition


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=PathParam(file_okay=False))
@click.option(
    "-o",
    "--output",
    type=PathParam(dir_okay=False),
    help="The file, *.onnx [default: RUN/model.onnx].",
)
@click.option("--corpus", help="Which corpus, where the run trained on several.")
@click.option(
    "--quantize",
    type=click.Choice(["int8"]),
    help="Write a variant with 8-bit weights beside it, such as model.int8.onnx, if its test UAR holds.",
)
@click.option(
    "--single",
    is_flag=True,
    help="Write an unmasked twin beside it, such as model.single.onnx, which scores clips one by one faster.",
)
@click.option("--audonnx", is_flag=True, help="Write what audonnx loads beside it, such as the folder model.audonnx.")
@click.option("--calibrate", is_flag=True, help="Fold a temperature in that was fitted on dev, if dev's error falls.")
@click.option(
    "--abstain-risk",
    "risk",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Note the probability below which to abstain, so that no more answers on dev are wrong.",
)
@click.option(
    "--triton",
    type=PathParam(file_okay=False),
    metavar="DIR",
    help="Put the file into a model repository of NVIDIA's Triton, too: DIR/NAME with its config.pbtxt.",
)
@click.option("--bank", is_flag=True, help="One file of several tasks: runs that share the network of one source.")
@click.option("--any-code", is_flag=True, help="Export a run, too, that other versions of its plugins have trained.")
@click.pass_context
def export(
    context: click.Context,
    runs: tuple[Path, ...],
    output: Path | None,
    corpus: str | None,
    quantize: str | None,
    triton: Path | None,
    *,
    single: bool,
    audonnx: bool,
    calibrate: bool,
    risk: float | None,
    bank: bool,
    any_code: bool,
) -> None:
    """Write the trained network in the directory RUN as one self-describing ONNX file, with a model card beside it.

    The file is written only if onnxruntime and the trained network agree, at sizes that the export has not seen. Where
    the corpus is on this disk, its test partition is scored through onnxruntime, too.
    """
    from emonet_bench.export import check_name  # noqa: PLC0415 - torch
    from emonet_bench.matrix.planning.stale import check_code  # noqa: PLC0415
    from emonet_bench.runs.files import RunFiles  # noqa: PLC0415

    if output is not None:
        check_name(output)
    plugins = Plugins(context.obj)
    for run in () if any_code else runs:
        check_code(RunFiles(run).read_record(), plugins, run)
    if bank:
        if output is None or corpus or quantize or single or audonnx or calibrate or risk:
            raise ConfigError(
                "--bank: needs --output FILE, and goes with none of --corpus, --quantize, --single, --audonnx, "
                "--calibrate and --abstain-risk"
            )
        _bank([one for run in runs for one in trained(run, plugins, None)], output)
        _put_into(triton, output)
        return
    if len(runs) > 1:
        raise ConfigError(f"{runs[1]}: a file holds one run; add --bank for several that share a source")
    (run,) = runs
    (one,) = trained(run, plugins, [corpus])
    file = output or run / "model.onnx"
    _check_whole(one, {"--single": single, "--audonnx": audonnx})
    _check_clips(one, {"--calibrate": calibrate, "--abstain-risk": bool(risk), "--quantize": bool(quantize)})
    _export(one, file)
    if calibrate or risk:
        _calibrate(one, file, plugins, temperature=calibrate, risk=risk)
    _put_into(triton, file)
    if single:
        _twin(one, file)
    if audonnx:
        _audonnx(one, file)
    if quantize:
        _quantise(one, file, plugins)


def trained(run: Path, plugins: Plugins, corpora: Sequence[str | None] | None) -> list[Trained]:
    """Restore a run, for some or (None) all of its corpora."""
    from emonet_bench.export import Trained  # noqa: PLC0415
    from emonet_bench.training import checkpoints  # noqa: PLC0415 - torch

    classifier, joint = checkpoints.restore(run, plugins)
    records = [joint.of(name) for name in corpora or [ref.name for ref in joint.spec.trained_corpora()]]
    found = [(record, partitions(plugins, record)) for record in records]
    return [Trained(run, classifier, record, parts["test"] if parts else None) for record, parts in found]


def input_spec_of(one: Trained) -> InputSpec:
    """Tell what a trained run really hears of a clip."""
    from emonet_bench.training.prediction import evaluation_input  # noqa: PLC0415 - torch

    return evaluation_input(one.record.spec.training, one.classifier.network)


def _check_whole(one: Trained, asked: Mapping[str, bool]) -> None:
    """Hold a run to what options need that write its twin, before anything is written.

    Raises:
        ConfigError: It hears windows, and one of the options was given.
    """
    options = [name for name, given in asked.items() if given]
    if options and input_spec_of(one).window is not None:
        raise ConfigError(
            f"{', '.join(options)}: {one.directory} hears windows, which have masks of their own; leave it out"
        )


def _check_clips(one: Trained, asked: Mapping[str, bool]) -> None:
    """Hold a run to what options need that measure on its clips, before anything is written.

    Raises:
        ConfigError: Its clips are not at hand, or name no label, and one of the options was given.
    """
    options = ", ".join(name for name, given in asked.items() if given)
    if not options:
        return
    if one.test is None:
        raise ConfigError(f"{options}: need the clips of {one.corpus} as the run had them; leave it out")
    if one.test.kind != "label":
        raise ConfigError(f"{options}: {one.directory} predicts {one.test.kind}, no single label; leave it out")


def _architecture(one: Trained) -> tuple[str, Any]:
    return one.record.spec.architecture, one.record.spec.architecture_options


def _export(one: Trained, file: Path) -> None:
    from emonet_bench.export import export_run  # noqa: PLC0415 - torch

    parity = export_run(one.directory, one.classifier, one.record, file, input_spec_of(one), one.test)
    uar = "" if parity.uar is None else f", test UAR {parity.uar:.3f} (torch {one.record.test.uar:.3f})"
    say(f"{file}: {parity.node_count} nodes, at most {parity.max_delta:.1e} from the trained network{uar}")


def _calibrate(one: Trained, file: Path, plugins: Plugins, *, temperature: bool, risk: float | None) -> None:
    from emonet_bench.export import calibrate  # noqa: PLC0415 - torch
    from emonet_bench.export.temperature import in_words  # noqa: PLC0415

    parts = partitions(plugins, one.record, quiet=True)
    if parts is None:
        raise ConfigError(f"--calibrate, --abstain-risk: need the clips of {one.corpus} as the run had them")
    say(f"{file}: {in_words(calibrate(file, parts['dev'], temperature=temperature, risk=risk), risk)}")


def _put_into(repository: Path | None, file: Path) -> None:
    if repository is not None:
        from emonet_bench.deploy.serving.triton import write_repository  # noqa: PLC0415 - onnxruntime

        say(f"{write_repository(file, repository)}: for Triton")


def _twin(one: Trained, file: Path) -> None:
    from emonet_bench.export import export_single  # noqa: PLC0415 - torch

    twin, delta = export_single(one.classifier, one.corpus, file, input_spec_of(one))
    say(f"{twin}: without masks, at most {delta:.1e} from the trained network")


def _audonnx(one: Trained, file: Path) -> None:
    from emonet_bench.export import export_audonnx  # noqa: PLC0415 - torch

    folder = export_audonnx(one.classifier, one.corpus, file, input_spec_of(one))
    say(f"{folder}: for audonnx.load")


def _bank(members: Sequence[Trained], file: Path) -> None:
    from emonet_bench.export import export_bank, size_table  # noqa: PLC0415 - torch

    for name, of in (("evaluation", input_spec_of), ("architecture", _architecture)):
        if any(of(one) != of(members[0]) for one in members):
            raise ConfigError(f"--bank: the runs differ in their {name}; give runs of one source and one recipe")
    parities, sizes = export_bank(members, file, input_spec_of(members[0]))
    for task, parity in parities.items():
        uar = "" if parity.uar is None else f", test UAR {parity.uar:.3f}"
        say(f"{file}: {task}: at most {parity.max_delta:.1e} from the trained network{uar}")
    say(size_table(sizes))


def _quantise(one: Trained, file: Path, plugins: Plugins) -> None:
    from emonet_bench.export import quantise  # noqa: PLC0415 - torch

    parts = partitions(plugins, one.record, quiet=True)
    if parts is None:
        raise ConfigError(f"--quantize: needs the clips of {one.corpus} as the run had them")
    target = file.with_suffix(".int8.onnx")
    found = quantise(file, target, parts["train"], parts["test"], _unmasked(one, file))
    float32, int8 = found
    say(
        f"{target}: test UAR {int8.uar:.3f} (float32 {float32.uar:.3f}), {int8.bytes / float32.bytes:.2f} of its size, "
        f"{found.speed:.2f} times as fast on one core here"
    )


def _unmasked(one: Trained, file: Path) -> bytes | None:
    """Return the content of a file's twin, where it has one."""
    from emonet_bench.export import unmasked_content  # noqa: PLC0415 - torch

    try:
        return unmasked_content(one.classifier, one.corpus, file, input_spec_of(one))[0]
    except ExportError:
        return None


def partitions(plugins: Plugins, record: RunRecord, *, quiet: bool = False) -> dict[Partition, Clips] | None:
    """Open the run's partitions; without them an export goes on, and says so."""
    from emonet_bench.data.opened_corpus import open_corpus  # noqa: PLC0415 - torch

    spec, training = record.spec, record.spec.training
    try:
        corpus = plugins.corpora[spec.corpus]
        skip_bad = record.skipped_files > 0
        opened = open_corpus(corpus, spec.protocol, training.sampling_rate, cache_directory(), skip_bad=skip_bad)
    except (AudioError, ConfigError, CorpusError) as error:
        reason = str(error)
    else:
        if opened.fingerprint == record.fingerprint:
            divided = opened.divide(opened.fold_or_first(spec.fold), training.limit)
            return {part: opened.clips(index) for part, index in divided.items()}
        reason = f"{corpus.name} has changed since the run"
    if not quiet:
        say(f"The UAR through onnxruntime is not measured: {reason}", err=True)
    return None
