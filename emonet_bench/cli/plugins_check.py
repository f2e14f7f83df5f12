"""The working part of ``plugins check``: every kit on everything that a plugin registers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from emonet_bench.cli.consoles import say
from emonet_bench.config import did_you_mean, parse
from emonet_bench.errors import ConfigError, CorpusError, Skipped
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing import architectures, corpora, executors, strategies
from emonet_bench.testing.bench import Bench
from emonet_bench.testing.contracts import CheckResult, examine
from emonet_bench.testing.strategy_bench import StrategyBench
from emonet_bench.types import Architecture, Corpus, InputSpec, Strategy


@dataclass(frozen=True)
class Subject:
    """Something to be checked.

    Attributes:
        kind: What it is.
        name: Its registered name.
        examine: Runs the kit.
        absent: Why the kit cannot be run here, or None.
    """

    kind: str
    name: str
    examine: Callable[[], Iterator[CheckResult]]
    absent: str | None = None


def report(name: str, plugins: Plugins) -> bool:
    """Check a plugin, or whatever is registered under a name, and print what came of it.

    Returns:
        Whether every contract is kept.

    Raises:
        ConfigError: There is nothing of that name to check.
    """
    broken = [origin for origin in plugins.origins if origin.name == name and origin.broken]
    if broken:
        say(f"plugin {broken[0]} is broken: {broken[0].broken}")
        return False
    subjects = list(_subjects(name, plugins))
    if not subjects:
        known = {origin.name for origin in plugins.origins}
        raise ConfigError(f"plugins check: no plugin {name!r} registers anything to check{did_you_mean(name, known)}")
    with torch.random.fork_rng(devices=[]):
        shown = [_show(subject) for subject in subjects]
    return all(shown)


def _subjects(name: str, plugins: Plugins) -> Iterator[Subject]:
    for key, corpus in plugins.corpora.items():
        if name in (key, plugins.corpora.origin(key).name):
            yield _corpus(corpus)
    for key, architecture in plugins.architectures.items():
        if name in (key, plugins.architectures.origin(key).name):
            yield _architecture(architecture)
    for key, strategy in plugins.strategies.items():
        if name in (key, plugins.strategies.origin(key).name):
            yield _strategy(strategy)
    started = plugins.ask("emonet_executor", name=name, workers=1)
    if started is not None:
        started.shutdown()
        asked = executors.ExecutorBench(lambda workers: plugins.ask("emonet_executor", name=name, workers=workers))
        yield Subject("executor", name, _kit("executor", executors.CHECKS, asked))


def _corpus(corpus: Corpus) -> Subject:
    absent = None
    try:
        corpus.load()
    except CorpusError as error:
        absent = str(error)
    except Exception:  # noqa: BLE001, S110 - the kit will meet it again and say which contract that breaks
        pass
    return Subject("corpus", corpus.name, _kit("corpus", corpora.CHECKS, corpora.CorpusBench(corpus)), absent)


def _architecture(architecture: Architecture) -> Subject:
    try:
        options = parse(architecture.options, {}, architecture.name)
    except ConfigError as error:  # an option without a default, or one whose default is not on this machine
        return Subject("architecture", architecture.name, lambda: iter(()), str(error))
    bench = Bench(architecture, options, InputSpec())
    return Subject("architecture", architecture.name, _kit("architecture", architectures.CHECKS, bench))


def _strategy(strategy: Strategy) -> Subject:
    bench, absent = StrategyBench(strategy, strategy.options()), None
    try:
        bench.prepare(bench.networks[0])
    except Skipped as reason:
        absent = f"it skips the kit's network ({reason}); its own tests can give check_strategy another one"
    except Exception:  # noqa: BLE001, S110 - as above
        pass
    return Subject("strategy", strategy.name, _kit("strategy", strategies.CHECKS, bench), absent)


def _kit(kind: str, checks: tuple[Callable[..., None], ...], bench: object) -> Callable[[], Iterator[CheckResult]]:
    return lambda: examine(kind, checks, bench)


def _show(subject: Subject) -> bool:
    say(f"{subject.kind} {subject.name}")
    if subject.absent is not None:
        say(f"  not checked: {subject.absent}")
        return True
    kept = True
    for finding in subject.examine():
        say(f"  {'kept' if finding.error is None else 'BROKEN':8}{finding.contract}")
        if finding.error is not None:
            kept = False
            say(f"          seen: {finding.seen}\n          see {finding.written}")
    return kept
