"""The planner: expands a matrix into cells, each with the source that it starts from."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from emonet_bench.config import Training
from emonet_bench.data.corpus_ref import CorpusRef, join_refs
from emonet_bench.data.label_maps import map_labels
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.choices import Choice, Choices, is_excluded
from emonet_bench.matrix.planning.file import ALL, ALL_OTHERS, Matrix
from emonet_bench.matrix.planning.kinds import unfit
from emonet_bench.matrix.planning.methods import check_recipe, method_origins, source_recipes
from emonet_bench.matrix.planning.names import check_names, check_teacher, only_teacher
from emonet_bench.matrix.planning.transductive import untransferable
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.files import file_hash
from emonet_bench.runs.spec import Cell, PretrainedTeacher, RunSpec, ZeroShotTarget, run_id
from emonet_bench.types import Strategy, TeacherRun


@dataclass
class Planner:
    """Expands a matrix.

    Attributes:
        matrix: What to expand.
        plugins: Where names are registered.
        open_corpus: Opens a corpus by name at a sampling rate; a label map named after them replaces the matrix's own.
        resolve: Replaces ``auto`` in the training options by what this machine has.
        marks: What the specs of its targets say beside their options; where it says something, sources are trials.
    """

    matrix: Matrix
    plugins: Plugins
    open_corpus: Callable[..., OpenCorpus]
    resolve: Callable[[Training], Training]
    marks: Mapping[str, Any] = field(default_factory=dict)
    _choices: Choices = field(init=False)
    _cells: dict[str, Cell] = field(default_factory=dict)
    _protocol_ids: dict[tuple[str, int | None], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._choices = Choices(self.matrix, self.plugins, self.resolve)

    def cells(self) -> list[Cell]:
        """Return all cells but those of tuned rows, each source before the cells that start from it.

        Raises:
            ConfigError: A name or an option is wrong.
        """
        check_names(self.matrix, self.plugins)
        for name, choice in self.rows(tuned=False):
            self._add_targets(name, choice)
        if not any(True for _ in self.rows()):
            raise ConfigError("the matrix has no cell: 'exclude' leaves none")
        for cell in list(self._cells.values()) if self.matrix.evaluate else ():
            if cell.wanted and not cell.skip and self._knows_one_corpus(cell.spec):
                self._add_zero_shot_cells(cell)
        return list(self._cells.values())

    def rows(self, *, tuned: bool | None = None) -> Iterator[tuple[str, Choice]]:
        """Yield each corpus with each choice that is not left out; only tuned ones or only others, where that is said.

        A row is tuned where the search has an option that it hears.
        """
        for name, choice in itertools.product(self.matrix.entries, self._choices):
            if not is_excluded(self.matrix, name, choice) and tuned in (None, self._tuned(choice)):
                yield name, choice

    def _tuned(self, choice: Choice) -> bool:
        return self.matrix.search is not None and bool(choice.heard(self.matrix.search.space, self.plugins))

    def expand(self, name: str, choice: Choice, folds: Sequence[int | None], **marks: Any) -> list[Cell]:
        """Return the cells of a corpus and a choice in some folds, apart from those of the matrix.

        Args:
            name: The corpus.
            choice: The choice.
            folds: The folds.
            marks: What their specs say beside their options: ``trial`` or ``search``.
        """
        return replace(self, marks=marks, _cells={}).targets(name, choice, folds)

    def targets(self, name: str, choice: Choice, folds: Sequence[int | None]) -> list[Cell]:
        """Add the cells of a corpus and a choice in some folds; return all cells so far."""
        self._add_targets(name, choice, folds)
        return list(self._cells.values())

    def _open(self, names: Sequence[str], choice: Choice) -> list[OpenCorpus]:
        return [self.open_corpus(name, choice.training.sampling_rate) for name in names]

    def _add_targets(self, name: str, choice: Choice, folds: Sequence[int | None] | None = None) -> None:
        strategy = self.plugins.strategies[choice.strategy]
        names = self._trained_together(name, choice)
        fit = self.plugins.architectures[choice.architecture].fit
        skip = None
        if fit is not None and (strategy.needs_source or strategy.multi_corpus or strategy.teacher):
            skip = f"{choice.architecture} is not trained by gradients: only training from scratch applies"
        skip = skip or unfit(self.plugins.architectures[choice.architecture], strategy, self._open(names, choice))

        @cache
        def sources(fold: int | None) -> Sequence[Cell | Path | str | None]:
            return self._sources(name, fold, choice, strategy) if strategy.needs_source and skip is None else [None]

        for fold in self.folds(name, choice) if folds is None else folds:
            if strategy.teacher is not None and skip is None:
                self._add_taught(names, choice, fold)
                continue
            for source in sources(fold if self.matrix.source == ALL else None):  # others hear no fold of the target
                self._add(names, choice, fold, source, skip)

    def _trained_together(self, name: str, choice: Choice) -> list[str]:
        return list(self.matrix.entries) if self.plugins.strategies[choice.strategy].multi_corpus else [name]

    def folds(self, name: str, choice: Choice) -> list[int | None]:
        """List the folds of a corpus, or of all where a choice trains on all; None alone where there is none."""
        return self._folds(self._trained_together(name, choice), choice)

    def _folds(self, names: Sequence[str], choice: Choice) -> list[int | None]:
        """List the folds that any of some corpora has; a corpus without one of them takes its own first there."""
        numbers = {fold for corpus in self._open(names, choice) for fold in corpus.folds if fold is not None}
        found: list[int | None] = [*sorted(numbers)]
        return found or [None]

    def _sources(
        self, target: str, fold: int | None, choice: Choice, strategy: Strategy
    ) -> Sequence[Cell | Path | str]:
        """Return the sources' cells, the path of a checkpoint, or the reason why there is none."""
        wanted, entries = self.matrix.source, list(self.matrix.entries)
        if wanted == ALL:
            return self._trained_on(entries, fold, choice, strategy)
        if wanted == ALL_OTHERS:
            others = [name for name in entries if name != target]
        elif wanted in self.plugins.corpora:
            others = [wanted] if wanted != target else []
        elif Path(wanted).exists():
            return [Path(wanted)]
        else:
            raise ConfigError(
                f"source: {wanted!r} is neither {ALL_OTHERS!r}, nor {ALL!r}, nor a corpus, nor an existing checkpoint"
            )
        if not others:
            return ["no corpus other than the target to start from"]
        return self._trained_on(others, self._folds(others, choice)[0], choice, strategy)

    def _add_taught(self, corpora: Sequence[str], choice: Choice, fold: int | None, *, wanted: bool = True) -> Cell:
        """Add a cell with a teacher; the run that teaches is added, too, where the matrix has none."""
        name = self.plugins.strategies[choice.strategy].teacher
        assert name is not None
        wish: TeacherRun = name(choice.strategy_options)
        check_teacher(wish, choice.strategy, self.plugins, len(corpora))
        if wish.unlabelled and len(self.matrix.entries) == 1:
            raise ConfigError(f"options.{choice.strategy}: unlabelled audio is that of other corpora; name some")
        others = [corpus for corpus in self.matrix.entries if corpus not in corpora] if wish.unlabelled else []
        if wish.strategy is None:
            model = self.plugins.architectures[wish.architecture].options
            every = self._choices.options(model, wish.architecture, differing=wish.options)
            teacher = PretrainedTeacher(
                architecture=wish.architecture, options=only_teacher(every, wish, choice.strategy)
            )
            return self._add(corpora, choice, fold, None, None, wanted=wanted, teacher=teacher, unlabelled=others)
        runs = list(self._choices.of(wish.architecture, wish.strategy, [choice.seed], wish.options))
        run = self._add(corpora, only_teacher(runs, wish, choice.strategy), fold, None, None, wanted=False)
        return self._add(corpora, choice, fold, run, None, wanted=wanted, unlabelled=others)

    def _trained_on(
        self, corpora: Sequence[str], fold: int | None, choice: Choice, strategy: Strategy
    ) -> Sequence[Cell]:
        """Add a source for each variant of its strategy's options; the target's strategy knows the best default."""
        assert strategy.source_strategies is not None
        name = self.matrix.source_strategy or strategy.source_strategies[len(corpora) > 1]
        trainer = self.plugins.strategies[name]
        model = trainer.options
        default = strategy.source_options(choice.strategy_options) if strategy.source_options else {}
        known = {key: value for key, value in default.items() if key in model.model_fields}
        recipes = map(self.resolve, source_recipes(choice.training, self.matrix, self.plugins))
        chosen = [
            replace(choice, strategy=name, strategy_options=options, training=training)
            for options, training in itertools.product(self._choices.options(model, name, known), recipes)
        ]
        if trainer.teacher:
            return [self._add_taught(corpora, one, fold, wanted=False) for one in chosen]
        return [self._add(corpora, one, fold, None, None, wanted=False) for one in chosen]

    def _knows_one_corpus(self, spec: RunSpec) -> bool:
        """Tell whether a network has heard one corpus only; of the folds' networks, the first stands for all."""
        if spec.source is not None or spec.unlabelled or len(spec.trained_corpora()) > 1:
            return False
        return bool(spec.fold == self.open_corpus(spec.corpus, spec.training.sampling_rate).folds[0])

    def _add_zero_shot_cells(self, source: Cell) -> None:
        """Score a network on every other corpus that a label map connects with its own."""
        spec, known = source.spec, self.plugins.corpora
        rate = spec.training.sampling_rate
        trained = self.open_corpus(spec.corpus, rate)
        if trained.target.kind != "label":
            return
        for target, name in itertools.product(self.matrix.entries, self.matrix.evaluate):
            labels = map_labels(known[spec.corpus], trained.corpus.labels, known[target], name)
            if target == spec.corpus or labels is None or self.open_corpus(target, rate).target.kind != "label":
                continue
            there = self.open_corpus(target, rate, name)
            target_of = ZeroShotTarget(corpus=target, protocol=there.protocol, labels=labels)
            changed = spec.model_copy(update={"source": source.run_id, "evaluate": target_of})
            context = self._context(changed, [spec.corpus, target], [trained, there])
            identity = run_id(changed, context)
            skip = untransferable(changed) or self.plugins.ask("emonet_skip", spec=changed)
            self._cells[identity] = Cell(changed, identity, source=source.run_id, skip=skip, context=context)

    def _add(
        self,
        corpora: Sequence[str],
        choice: Choice,
        fold: int | None,
        source: Cell | Path | str | None,
        skip: str | None,
        *,
        wanted: bool = True,
        teacher: PretrainedTeacher | None = None,
        unlabelled: Sequence[str] = (),
    ) -> Cell:
        opened, others = self._open(corpora, choice), self._open(unlabelled, choice)
        for name, corpus in zip(corpora, opened, strict=True):
            fitted = self.plugins.architectures[choice.architecture].fit is not None
            check_recipe(choice.training, corpus, name, self.plugins, fitted=fitted)
        refs = [CorpusRef.of(name, corpus.protocol) for name, corpus in zip(corpora, opened, strict=True)]
        corpus_text, protocol_text = join_refs(refs)
        spec = RunSpec(
            corpus=corpus_text,
            protocol=protocol_text,
            architecture=choice.architecture,
            architecture_options=choice.architecture_options,
            strategy=choice.strategy,
            strategy_options=choice.strategy_options,
            training=choice.training,
            seed=choice.seed,
            fold=fold,
            source=_source_id(source),
            teacher=teacher,
            unlabelled={name: other.protocol for name, other in zip(unlabelled, others, strict=True)} or None,
            **(self.marks if wanted or not self.marks else {"trial": True}),
        )
        context = self._context(spec, [*corpora, *unlabelled], [*opened, *others])
        identity = run_id(spec, context)
        if isinstance(source, str):
            skip = source
        skip = skip or untransferable(spec) or self.plugins.ask("emonet_skip", spec=spec)
        cell = Cell(
            spec,
            identity,
            source=source.run_id if isinstance(source, Cell) else None,
            source_file=source if isinstance(source, Path) else None,
            wanted=wanted or (identity in self._cells and self._cells[identity].wanted),
            skip=skip,
            context=context,
        )
        self._cells[identity] = cell
        return cell

    def _protocol_id(self, name: str, corpus: OpenCorpus, limit: int | None, beside: str = "") -> str:
        """Return the identity of a protocol, or of an auxiliary target; hashed once for all cells and rates."""
        key = (f"{name} {corpus.protocol} {beside}", limit)
        if key not in self._protocol_ids:
            self._protocol_ids[key] = corpus.auxiliary_id(beside) if beside else corpus.protocol_id(limit)
        return self._protocol_ids[key]

    def _context(self, spec: RunSpec, names: Sequence[str], opened: Iterable[OpenCorpus]) -> dict[str, Any]:
        origins = [
            *(self.plugins.corpora.origin(name) for name in names),
            self.plugins.architectures.origin(spec.architecture),
            self.plugins.strategies.origin(spec.strategy),
            *method_origins(spec.training, self.plugins),
            *([self.plugins.architectures.origin(spec.teacher.architecture)] if spec.teacher else ()),
        ]
        limit, pairs = spec.training.limit, list(zip(names, opened, strict=True))
        trained = pairs[: len(spec.trained_corpora())]
        further = [[self._protocol_id(*pair, None, target) for target in spec.training.auxiliary] for pair in trained]
        return {
            "corpora": [[corpus.fingerprint, self._protocol_id(name, corpus, limit)] for name, corpus in pairs],
            **({"auxiliary": further} if spec.training.auxiliary else {}),
            "plugins": {origin.name: origin.version for origin in origins},
        }


def _source_id(source: Cell | Path | str | None) -> str | None:
    if isinstance(source, Cell):
        return source.run_id
    if isinstance(source, Path):
        return file_hash(source)
    return None
