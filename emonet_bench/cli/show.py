"""``emonet-bench show``: what an ONNX file or a run says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import rich_click as click

from emonet_bench.console.paths import PathParam
from emonet_bench.deploy.cli.show import facts_of_file, in_plain_words, print_facts

_OF_A_RUN = ("run_id", "corpus", "protocol", "architecture", "strategy", "seed", "fold", "source", "training")


@click.command()
@click.argument("what", metavar="MODEL|RUN", type=PathParam())
def show(what: Path) -> None:
    """Describe an ONNX file (inputs, outputs, labels and where it comes from), or the run in a directory."""
    print_facts(what, _facts_of_run(what) if what.is_dir() else facts_of_file(what))


def _facts_of_run(directory: Path) -> Iterator[tuple[str, str]]:
    from emonet_bench.runs.files import RunFiles  # noqa: PLC0415 - a file needs no more than deploy

    record = RunFiles(directory).read_record()
    facts = {**record.plain(), **record.spec.model_dump(mode="json")}
    known = [*(name for name in _OF_A_RUN if name in facts), *(name for name in facts if name not in _OF_A_RUN)]
    for name in known:
        if name == "error" and record.error is not None:
            yield name, f"{record.error.type}: {record.error.message}"
        elif name not in {"spec", "confusion", "per_corpus"}:
            yield name, in_plain_words(facts[name])
    yield "directory", ", ".join(sorted(path.name for path in directory.iterdir()))
