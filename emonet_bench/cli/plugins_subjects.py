"""Test subjects of ``plugins check``: each thing that a plugin registers, on the bench of its kit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emonet_bench.cli.plugins_check import Request
from emonet_bench.config import Options, parse
from emonet_bench.errors import ConfigError, CorpusError, Skipped
from emonet_bench.plugins.loading import Plugins
from emonet_bench.plugins.registries import Registry
from emonet_bench.testing import (
    architectures,
    augmentations,
    corpora,
    executors,
    hooks,
    losses,
    metrics,
    optimizers,
    report_formats,
    strategies,
)
from emonet_bench.testing.bench import Bench
from emonet_bench.testing.strategy_bench import StrategyBench
from emonet_bench.types import Architecture, Corpus, InputSpec, Strategy
from emonet_bench.validation_messages import did_you_mean


@dataclass(frozen=True)
class Subject:
    """Something to be checked.

    Attributes:
        kind: What it is.
        name: Its registered name.
        checks: The kit's checks.
        bench: What they are given.
        absent: Why the kit cannot be run here, or None.
    """

    kind: str
    name: str
    checks: tuple[Callable[[Any], None], ...]
    bench: object
    absent: str | None = None


def subjects(request: Request, plugins: Plugins) -> list[Subject]:
    """Find what is to be checked.

    Raises:
        ConfigError: There is nothing, or nothing of it has an option that was given.
    """
    found = list(_found(request, plugins))
    if not found:
        known = {name for registry in plugins.registries if registry.kind != "command" for name in registry}
        hint = did_you_mean(request.name, known | {origin.name for origin in plugins.origins})
        raise ConfigError(f"plugins check: no plugin {request.name!r} registers anything to check{hint}")
    models = [*_models(request.name, plugins)]
    for name in request.settings:
        if not any(name in model.model_fields for model in models):
            hint = did_you_mean(name, sorted({field for model in models for field in model.model_fields}))
            raise ConfigError(f"--set {name}: nothing that is checked has such an option{hint}")
    return found


def _found(request: Request, plugins: Plugins) -> Iterator[Subject]:
    name = request.name
    for corpus in _named(name, plugins.corpora):
        yield _corpus(corpus)
    for architecture in _named(name, plugins.architectures):
        yield _architecture(architecture, request)
    for strategy in _named(name, plugins.strategies):
        yield _strategy(strategy, request)
    for metric in _named(name, plugins.metrics):
        yield Subject("metric", metric.name, metrics.CHECKS, metrics.MetricBench(metric))
    for kind, registry, checks, bench in _kits(plugins):
        for thing in _named(name, registry):
            yield _simple(kind, thing, request, checks, bench)
    on_bench = hooks.HooksBench(plugins, name)
    if any(map(on_bench.implements, hooks.HOOKS)):
        yield Subject("hooks", name, hooks.CHECKS, on_bench)


def _named(name: str, registry: Any) -> Iterator[Any]:
    for key, thing in registry.items():
        if name in (key, registry.origin(key).name):
            yield thing


def _models(name: str, plugins: Plugins) -> Iterator[type[Options]]:
    for registry in (plugins.architectures, plugins.strategies, *(kit[1] for kit in _kits(plugins))):
        for thing in _named(name, registry):
            yield thing.options


def _corpus(corpus: Corpus) -> Subject:
    absent = None
    try:
        corpus.load()
    except CorpusError as error:
        absent = str(error)
    except Exception:  # noqa: BLE001, S110 - the kit will meet it again and say which contract that breaks
        pass
    return Subject("corpus", corpus.name, corpora.CHECKS, corpora.CorpusBench(corpus), absent)


def _options(model: type[Options], settings: Mapping[str, str], where: str) -> Options | str:
    """Return the options that are tried, or why there are none.

    Raises:
        ConfigError: A value that the user has set is refused.
    """
    given = {name: value for name, value in settings.items() if name in model.model_fields}
    try:
        return parse(model, given, where)
    except ConfigError as error:  # an option without a default, or one whose default is not on this machine
        if given:
            raise ConfigError(f"--set: {error}") from None
        return f"{error} (--set NAME=VALUE)"


def _architecture(architecture: Architecture, request: Request) -> Subject:
    options = _options(architecture.options, request.settings, architecture.name)
    if isinstance(options, str):
        return Subject("architecture", architecture.name, (), None, options)
    spec = InputSpec()
    if request.window is not None:
        spec = InputSpec(window=round(request.window * spec.sampling_rate))
    return Subject("architecture", architecture.name, architectures.CHECKS, Bench(architecture, options, spec))


def _strategy(strategy: Strategy, request: Request) -> Subject:
    options = _options(strategy.options, request.settings, strategy.name)
    if isinstance(options, str):
        return Subject("strategy", strategy.name, (), None, options)
    bench, absent = StrategyBench(strategy, options), None
    try:
        bench.prepare(bench.networks[0])
    except Skipped as reason:
        absent = f"it skips the kit's network ({reason}); its own tests can give check_strategy another one"
    except Exception:  # noqa: BLE001, S110 - as above
        pass
    return Subject("strategy", strategy.name, strategies.CHECKS, bench, absent)


Kit = tuple[str, Registry[Any], tuple[Callable[[Any], None], ...], Callable[[Any, Any], object]]
"""A kind, where things of it are registered, the kit's checks, and what puts a thing with its options on the bench."""


def _kits(plugins: Plugins) -> Iterator[Kit]:
    """Yield the kits for what needs nothing but its options."""
    yield "loss", plugins.losses, losses.CHECKS, losses.LossBench
    yield "optimizer", plugins.optimizers, optimizers.CHECKS, optimizers.OptimizerBench
    yield "augmentation", plugins.augmentations, augmentations.CHECKS, augmentations.AugmentationBench
    yield "report", plugins.report_formats, report_formats.CHECKS, report_formats.ReportBench
    yield "executor", plugins.executors, executors.CHECKS, executors.bench_of


def _simple(
    kind: str,
    thing: Any,
    request: Request,
    checks: tuple[Callable[[Any], None], ...],
    bench: Callable[[Any, Any], object],
) -> Subject:
    options = _options(thing.options, request.settings, thing.name)
    if isinstance(options, str):
        return Subject(kind, thing.name, (), None, options)
    return Subject(kind, thing.name, checks, bench(thing, options))
