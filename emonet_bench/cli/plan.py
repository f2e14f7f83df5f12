"""Planning a matrix: from its file to its cells. No torch, unless there may be a GPU to ask for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress as Bar

from emonet_bench import audit
from emonet_bench.config import Training, parse
from emonet_bench.data import label_maps
from emonet_bench.data.corpus_entry import CorpusEntry
from emonet_bench.data.opened_corpus import OpenCorpus, open_corpus
from emonet_bench.directories import cache_directory
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.file import Matrix
from emonet_bench.matrix.planner import Planner
from emonet_bench.matrix.scheduler import shard
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.spec import Cell

_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # of NVIDIA, of WSL, of AMD


@dataclass(frozen=True)
class PlannedMatrix:
    """A planned matrix and the plugins it was planned with.

    Attributes:
        cells: All cells.
        plugins: The plugins.
        clips: Clips that each cell hears in an epoch, by run id.
    """

    cells: Sequence[Cell]
    plugins: Plugins
    clips: Mapping[str, int]

    def cost(self, cell: Cell) -> float:
        """Estimate how long a cell takes, to order and divide the work: clips heard in all epochs."""
        return float(self.clips[cell.run_id] * cell.spec.training.epochs)


def plan(
    values: Mapping[str, Any],
    where: str,
    plugins: Plugins,
    console: Console,
    *,
    threads: int | None = None,
    skip_bad: bool = False,
) -> PlannedMatrix:
    """Validate a matrix and expand it; opens (on the first time: builds) the corpora's audio stores.

    Raises:
        CorpusError: A protocol leaks, and the plugins are loaded strictly.
    """
    matrix = parse(Matrix, values, where)
    own = [entry.corpus(name, Path(where).absolute().parent) for name, entry in matrix.entries.items()]
    plugins.add_corpora(filter(None, own))

    @cache
    def opened(name: str, sampling_rate: int, label_map: str | None = None) -> OpenCorpus:
        entry = matrix.entries.get(name) or CorpusEntry()
        division = label_maps.protocol_name(entry.protocol, label_map) if label_map else entry.division
        with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(f"reading {name}", total=None)
            corpus = open_corpus(
                plugins.corpora[name],
                division,
                sampling_rate,
                cache_directory(),
                lambda done, total: bar.update(task, completed=done, total=total),
                threads=threads,
                skip_bad=skip_bad,
            )
        if plugins.selection.strict:
            audit.refuse_leaks(corpus.corpus.name, corpus.protocol, audit.quick(corpus))
        if not corpus.coverage.complete:
            console.print(f"{name}: {corpus.coverage}; 'emonet-bench corpora audit {name}' tells more.", markup=False)
        return corpus

    @cache
    def count(name: str, sampling_rate: int, fold: int | None, limit: int | None) -> int:
        corpus = opened(name, sampling_rate)
        return len(corpus.divide(fold if fold in corpus.folds else corpus.folds[0], limit)["train"])

    def clips(cell: Cell) -> int:
        spec = cell.spec
        if spec.evaluate is not None:
            return 0
        training = spec.training
        names = spec.corpus.split("+")
        largest = max(count(name, training.sampling_rate, spec.fold, training.limit) for name in names)
        # Corpora take turns, so that each of them gives as many batches as the largest.
        return len(names) * (training.steps_per_epoch * training.batch_size if training.steps_per_epoch else largest)

    cells = Planner(matrix, plugins, opened, cache(resolve)).cells()
    return PlannedMatrix(cells, plugins, {cell.run_id: clips(cell) for cell in cells})


def resolve(training: Training) -> Training:
    """Replace ``auto`` by what this machine has.

    Raises:
        ConfigError: cuda is asked for and there is none.
    """
    device = training.device
    if device == "auto":
        device = "cuda" if cuda_is_there() else "cpu"
    elif device == "cuda" and not cuda_is_there():
        raise ConfigError("--device cuda: torch sees no CUDA device here; 'emonet-bench doctor' tells more")
    precision = training.precision
    if precision == "auto":
        precision = "bfloat16" if device == "cuda" or cpu_multiplies_bfloat16() else "float32"
    return training.model_copy(update={"device": device, "precision": precision})


@cache
def cuda_is_there() -> bool:
    """Tell whether torch sees a CUDA device. Where Linux has no driver it is not asked: its import takes seconds."""
    if sys.platform == "linux" and not any(Path(driver).exists() for driver in _DRIVERS):
        return False
    import torch  # noqa: PLC0415 - see above

    return torch.cuda.is_available()


@cache
def cpu_multiplies_bfloat16() -> bool:
    """Tell whether convolutions are faster in bfloat16 than in float32; False where it was not measured."""
    try:
        return " avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return False


def chosen_shard(planned: PlannedMatrix, text: str | None) -> PlannedMatrix:
    """Keep one share of a matrix, given as ``i/n``; None keeps all.

    Raises:
        ConfigError: It is not of that form.
    """
    if text is None:
        return planned
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise ConfigError(f"--shard {text}: write it as i/n with i from 1 to n, such as 1/4")
    return replace(planned, cells=shard(planned.cells, int(number), int(count), planned.cost))
