"""A toy matrix whose cells pretend to train: their dev UAR is a known function of their options."""

import math
from functools import partial

from emonet_bench.config import Options, option, parse
from emonet_bench.matrix import run_matrix
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.matrix.planning.planner import Planner
from emonet_bench.matrix.search.planning import plan_studies
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.store import RunStore
from emonet_bench.types import Architecture, Corpus, SplitRule, Strategy
from tests.matrix.planning.test_planner import Opened, registry
from tests.matrix.test_run_matrix import PLUGIN
from tests.matrix.test_scheduler import write

RATE = {"low": 1e-5, "high": 1.0, "log": True}
BEST_RATE, BEST_WIDTH = 1e-2, 8


class Net(Options):
    width: int = option(4, "Width.", ge=1, le=64)
    pair: tuple[float, float] = option((0.0, 0.5), "Two dropouts.")


class NoOptions(Options):
    pass


def response(spec):
    """Highest, 1.0, at the best rate and width; every fold prefers another rate a little; more epochs are better."""
    rate = math.log10(spec.training.learning_rate) - math.log10(BEST_RATE) - 0.5 * (spec.fold or 0)
    width = math.log2(spec.architecture_options.get("width", BEST_WIDTH) / BEST_WIDTH)
    return max(0.0, (1 - 0.1 * abs(rate) - 0.05 * abs(width)) * min(1.0, 0.9 + spec.training.epochs / 400))


class Toy:
    """A matrix of toys in a directory, its plugins, and what its workers were given."""

    def __init__(self, folder, folds=(None,)):
        self.folder, self.folds, self.jobs = folder, list(folds), []
        self.broken = lambda spec: False
        (folder / "threads.py").write_text(PLUGIN)
        self.plugins = Plugins(Selection(names=("builtins",), files=(folder / "threads.py",)))
        rule = {"speakers": SplitRule()}
        self.plugins.corpora = registry("corpus", *(Corpus(name, ("a", "b"), list, rule) for name in ("one", "two")))
        self.plugins.architectures = registry(
            "architecture",
            Architecture("net", "cnn", Net, print),
            Architecture("plain", "rnn", NoOptions, print),
            Architecture("svm", "baseline", Net, print, fit=print),
        )
        self.plugins.strategies = registry(
            "strategy",
            Strategy("scratch", NoOptions, print),
            Strategy("multi-task", NoOptions, print, multi_corpus=True),
            Strategy("finetune", NoOptions, print, source_strategies=("scratch", "multi-task")),
        )

    def planner(self, search=None, **values):
        space = {"training.learning_rate": RATE}
        tuned = {} if search is False else {"search": {"space": space} | (search or {})}
        values = {"corpora": ["one"], "architectures": ["net"]} | tuned | values
        matrix = parse(Matrix, values, "m.toml")
        return Planner(matrix, self.plugins, lambda name, _: Opened(name, self.folds), lambda training: training)

    def studies(self, search=None, **values):
        planner = self.planner(search, **values)
        planner.cells()
        return plan_studies(planner)

    def planned(self, search=None, **values):
        planner = self.planner(search, **values)
        cells = planner.cells()
        return PlannedMatrix(
            cells, self.plugins, {cell.run_id: 1 for cell in cells}, studies=plan_studies(planner), heard=lambda _: 1
        )

    def run(self, monkeypatch, search=None, listeners=(), **values):
        monkeypatch.setattr(run_matrix, "run_cell", partial(pretend, self))
        planned = self.planned(search, **values)
        return run_matrix.run_planned(planned, self.options, listeners)

    @property
    def options(self):
        return RunOptions(self.folder / "results", jobs=2, executor="threads")

    @property
    def store(self):
        return RunStore(self.folder / "results")

    def records(self):
        """The records of all tuned runs, by their titles."""
        from emonet_bench.runs.files import RunFiles

        records = [RunFiles(path).read_record() for path in self.store.finished()]
        return {record.spec.title: record for record in records if record.spec.search}


def pretend(toy, job):
    """Train nothing, and score what the response says; what is no trial is scored on test, too."""
    toy.jobs.append(job)
    spec = job.cell.spec
    value = {"uar": response(spec)}
    scores = {"dev": value} if spec.trial else {"dev": value, "test": {"uar": 0.5}}
    changes = {"scores": scores, "labels": ["a", "b"], "seconds": {"train": 1.0}}
    if toy.broken(spec):
        changes = {"error": {"type": "Oops", "message": "on fire"}}
    if job.cell.search:
        changes["search"] = job.cell.search
    with RunStore(job.results).writing(spec, job.cell.run_id, again=job.again) as directory:
        if directory is not None:
            write(directory, job.cell, **changes)
