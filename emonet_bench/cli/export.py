"""``emonet-bench export``: a trained run as one ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from emonet_bench.errors import AudioError, CorpusError
from emonet_bench.places import cache_directory
from emonet_bench.plugins import Plugins

if TYPE_CHECKING:
    from emonet_bench.batches import Clips


@click.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file [default: RUN/model.onnx]."
)
@click.option("--corpus", help="Which corpus, where the run trained on several.")
@click.pass_context
def export(context: click.Context, run: Path, output: Path | None, corpus: str | None) -> None:
    """Write the trained network in the directory RUN as one self-describing ONNX file, with a model card beside it.

    The file is written only if onnxruntime and the trained network agree, at sizes that the export has not seen. Where
    the corpus is on this disk, its test partition is scored through onnxruntime, too.
    """
    from emonet_bench import checkpoints  # noqa: PLC0415 - torch
    from emonet_bench.config import Training  # noqa: PLC0415
    from emonet_bench.evaluation import evaluation_window  # noqa: PLC0415
    from emonet_bench.export import export_run, for_corpus  # noqa: PLC0415
    from emonet_bench.types import Signal  # noqa: PLC0415

    plugins = Plugins(context.obj)
    classifier, joint = checkpoints.restore(run, plugins)
    record = for_corpus(joint, corpus)
    recipe = Training(**record["spec"]["training"])
    signal = Signal(recipe.sampling_rate, evaluation_window(recipe))
    file = output or run / "model.onnx"
    parity = export_run(run, classifier, record, file, signal, _test_clips(plugins, record))
    uar = "" if parity.uar is None else f", test UAR {parity.uar:.3f} (torch {record['scores']['test']['uar']:.3f})"
    click.echo(f"{file}: {parity.node_count} nodes, at most {parity.max_delta:.1e} from the trained network{uar}")


def _test_clips(plugins: Plugins, record: dict[str, Any]) -> Clips | None:
    """Open the run's test partition; without it the export goes on, and says so."""
    from emonet_bench.loading import open_corpus  # noqa: PLC0415 - torch
    from emonet_bench.records import fold_of  # noqa: PLC0415

    spec = record["spec"]
    training = spec["training"]
    try:
        corpus = plugins.corpora[spec["corpus"]]
        opened = open_corpus(
            corpus,
            spec["protocol"],
            training["sampling_rate"],
            cache_directory(),
            skip_bad=bool(record.get("skipped_files")),
        )
    except (AudioError, CorpusError) as error:
        click.echo(f"The UAR through onnxruntime is not measured: {error}", err=True)
        return None
    if opened.fingerprint != record["fingerprint"]:
        click.echo(f"The UAR through onnxruntime is not measured: {corpus.name} has changed since the run", err=True)
        return None
    return opened.clips(opened.divide(fold_of(opened, spec["fold"]), training["limit"])["test"])
