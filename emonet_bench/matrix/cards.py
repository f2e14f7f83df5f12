"""Measured cards of a matrix, with ``--card``: after its cells, for every exported model that has none yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from emonet_bench.deploy import Predictor
from emonet_bench.directories import cache_directory
from emonet_bench.errors import EmonetBenchError, StoreError
from emonet_bench.model_card.files import write_card
from emonet_bench.model_card.measuring import Plan, measure
from emonet_bench.model_card.reading import read_card
from emonet_bench.model_card.setting import Reading, Wanted, choose
from emonet_bench.model_card.training import find_record
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.files import RunFiles, file_hash
from emonet_bench.runs.spec import Cell, RunSpec
from emonet_bench.runs.store import RunStore


def write_cards(cells: Iterable[Cell], results: Path, plugins: Plugins, reading: Reading) -> list[str]:
    """Measure the exported models of finished cells, and write a card into each run's directory.

    A card that was measured on this very file is kept.

    Args:
        cells: The cells.
        results: The results directory.
        plugins: Their corpora.
        reading: Called while audio is read and models are measured.

    Returns:
        What could not be measured, each with the reason.
    """
    store, problems = RunStore(results), []
    for cell in cells:
        files = RunFiles(store.path(cell.spec, cell.run_id))
        for name in _names(cell.spec):
            try:
                _measure(files, name, plugins, reading)
            except EmonetBenchError as error:
                problems.append(f"{cell.spec.title}: no card: {error}")
    return problems


def _names(spec: RunSpec) -> Iterator[str | None]:
    """Yield the corpora of a joint run, None for any other; nothing where a network is scored on another corpus."""
    corpora = spec.trained_corpora()
    if spec.evaluate is None:
        yield from (ref.name for ref in corpora) if len(corpora) > 1 else (None,)


def _measure(files: RunFiles, name: str | None, plugins: Plugins, reading: Reading) -> None:
    model, card = files.onnx(name), files.card(name)
    if not model.is_file():
        raise StoreError(f"{model} is missing; write it with 'emonet-bench export {files.directory}'")
    if _is_fresh(card, model):
        return
    predictor = Predictor(model, "cpu")
    setting = choose(predictor, Wanted(), plugins.corpora, cache_directory(), reading)
    plan = Plan(setting, record=find_record(model, predictor.metadata.get("run_id", ""), None))
    write_card(measure(predictor, model, plan, reading).card, files.directory, card.stem)


def _is_fresh(card: Path, model: Path) -> bool:
    try:
        return card.is_file() and read_card(card).sha256 == file_hash(model)
    except StoreError:
        return False
