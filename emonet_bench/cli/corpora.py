"""``emonet-bench corpora``: which corpora are known, which are on this disk, and what is in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import rich_click as click
from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from emonet_bench import directories
from emonet_bench.audio import seconds
from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import say
from emonet_bench.console.terminal import Fitting, Terminal, grid
from emonet_bench.data.coverage import coverage
from emonet_bench.data.partitions import assign, folds
from emonet_bench.errors import AudioError, CorpusError
from emonet_bench.plugins.loading import Plugins, Selection, corpora_config
from emonet_bench.types import PARTITIONS, Corpus, SplitRule, Target, Utterance, check_name


@click.group()
def corpora() -> None:
    """Look at corpora: a card or a table says what one is and how it is divided."""


@corpora.command("list")
@click.pass_context
def list_(ctx: click.RichContext, /) -> None:
    """List every known corpus; clips are those found of those expected."""
    wide = grid("corpus", "clips", "labels", "languages", "licence", "title")
    narrow = grid("corpus", "clips", "labels", "lang", "title, licence", wrapped=("corpus", "title, licence"))
    narrowest = grid("corpus", "clips", wrapped=("corpus",))
    selection: Selection = ctx.obj or Selection()
    known = Plugins(selection).corpora.values()
    clips = {corpus.name: _found(corpus) for corpus in known}
    for corpus in known:
        facts = (clips[corpus.name], str(len(corpus.labels)), ", ".join(corpus.languages) or "-")
        wide.add_row(corpus.name, *facts, corpus.licence, corpus.title)
        below = f"\n{corpus.licence}"
        narrow.add_row(corpus.name, *facts, Text(corpus.title).append(below, "dim"))
        about = f"\n{facts[1]} labels, {facts[2]}\n{corpus.title}{below}"
        narrowest.add_row(Text(corpus.name).append(about, "dim"), facts[0])
    Terminal().print(Fitting(wide, narrow, narrowest))
    if any(found.startswith("0/") for found in clips.values()):
        say("0: not found; `emonet-bench corpora show NAME` says where a corpus comes from and where to put it.")
    directory = corpora_config(selection).directory
    if directory is not None and not directory.is_dir():
        say(f"Corpora are looked for in {directory}, which is no directory; --corpora-dir names another.")


@corpora.command()
@click.argument("name")
@click.pass_context
def show(ctx: click.RichContext, /, name: str) -> None:
    """Show the card of the corpus NAME and, where its audio is found, what its default protocol puts where."""
    corpus = Plugins(ctx.obj or Selection()).corpora[name]
    console = Terminal()
    console.print(_card(corpus))
    say(f"\n{corpus.citation}\n" if corpus.citation else "")
    try:
        utterances = corpus.load()
    except CorpusError as error:
        say(str(error))
        return
    known = coverage(corpus, utterances)
    say(f"found: {known}{'' if known.complete else f'; `emonet-bench corpora audit {name}` tells more'}")
    protocol, rule = next(iter(corpus.protocols.items()))
    fold = folds(utterances, rule)[0]
    say(f"protocol {protocol}: {_words(rule, utterances)}{'' if fold is None else ', the first of them:'}")
    console.print(_partitions(corpus, utterances, rule, fold))
    _histogram(utterances)


@corpora.command()
@click.argument("name")
@click.argument("path", type=PathParam(exists=True, file_okay=False))
@click.pass_context
def add(ctx: click.RichContext, /, name: str, path: Path) -> None:
    """Register that the corpus NAME lies in the directory PATH.

    NAME is a known corpus. Or it is a new one: then the directory holds card.toml, utterances.csv, or train.csv,
    devel.csv (or dev.csv or val.csv) and test.csv.
    """
    check_name("corpus", name)
    selection = replace(ctx.obj or Selection(), places={name: path.resolve()})
    corpus = Plugins(selection).corpora[name]
    known = coverage(corpus, corpus.load())
    file = directories.register(name, path)
    say(f"{name}: {known}{'' if corpus.clips else ' (expected: unknown)'}, written to {file}")


@corpora.command()
@click.argument("name")
@click.option("--protocol", help="Which of its protocols; the first is the default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def audit(ctx: click.RichContext, /, name: str, protocol: str | None, *, as_json: bool) -> None:
    """Listen to every clip of the corpus NAME and look for what would spoil a score.

    Speakers, sessions and texts in two partitions; identical audio, here and in the other corpora found;
    near-duplicates; clipping, offset, silence, low bandwidth; labels; counts, files and rows that are no clip. The
    verdict is clean, warnings, speakers unknown, incomplete or leaking (then the exit status is 1).
    """
    from emonet_bench.cli.audit import audited, show_findings  # noqa: PLC0415 - NumPy and files for this command only

    findings = audited(Plugins(ctx.obj or Selection()), name, protocol)
    show_findings(name, findings, as_json=as_json)
    if findings.verdict == "leaking":
        ctx.exit(1)


def _found(corpus: Corpus) -> str:
    if corpus.synthetic:
        return f"generated {corpus.clips or ''}".rstrip()
    try:
        found = str(len(corpus.load()))
    except CorpusError:
        found = "0"
    return f"{found}/{corpus.clips or '?'}"


def _card(corpus: Corpus) -> Table:
    table = Table(show_header=False, box=None, title=corpus.title, title_justify="left", title_style="bold")
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _facts(corpus):
        table.add_row(name, text)
    return table


def _facts(corpus: Corpus) -> Iterator[tuple[str, str]]:
    yield "name", corpus.name
    yield "labels", ", ".join(corpus.labels)
    yield "languages", ", ".join(corpus.languages) or "-"
    yield "licence", corpus.licence
    yield "clips", str(corpus.clips or "unknown")
    yield from corpus.facts.items()
    for target in corpus.targets:
        yield f"target {target.name}", _target_words(target)
    yield "protocols", ", ".join(corpus.protocols)
    for name, challenge in corpus.challenges.items():
        yield f"challenge {name}", challenge.title
    if corpus.synthetic:
        yield "synthetic", "yes: generated audio, no human speech"


def _target_words(target: Target) -> str:
    """Say in words what a target is.

    >>> _target_words(Target("attributes", "values", ("arousal",), ((1, 7),)))
    'values of arousal from 1 to 7'
    """
    if target.kind != "values":
        return f"{target.kind} of {', '.join(target.names)}"
    scales = zip(target.names, target.scales, strict=True)
    return "values of " + ", ".join(f"{name} from {low:g} to {high:g}" for name, (low, high) in scales)


def _words(rule: SplitRule, utterances: Sequence[Utterance]) -> str:
    """Say in words how a rule divides.

    >>> _words(SplitRule(folds=5), [])
    '5 folds by speaker'
    """
    if rule.folds is not None:
        return f"{len(folds(utterances, rule))} folds by {rule.by}"
    return "the corpus's own partitions" if rule.fixed is None else f"fixed by {rule.by}"


def _partitions(corpus: Corpus, utterances: Sequence[Utterance], rule: SplitRule, fold: int | None) -> Fitting:
    """Lay out a row for each partition or, where the console is too narrow for the labels, a column for each."""
    assigned = assign(utterances, rule, fold)
    columns = [("partition", "clips", "speakers", "minutes", *corpus.labels)]
    for partition in PARTITIONS:
        here = [utterance for utterance, own in zip(utterances, assigned, strict=True) if own == partition]
        columns.append((partition, *_statistics(here, corpus.labels)))
    return Fitting(_filled(columns), _filled(list(zip(*columns, strict=True))))


def _filled(rows: Sequence[Sequence[str]]) -> Table:
    head, *others = rows
    table = grid(*head, wrapped=(head[0],))
    for row in others:
        table.add_row(*row)
    return table


def _histogram(utterances: Sequence[Utterance]) -> None:
    """Print how long the clips are; nothing where files are bad."""
    try:
        durations = list(map(seconds, utterances))
    except AudioError:
        return
    shortest, longest = min(durations), max(durations)  # of equal ones, NumPy's own range would begin below zero
    extent = (shortest, max(longest, shortest + 0.1))
    counts, borders = np.histogram(durations, min(10, len(set(durations))), extent)
    table = grid("seconds", "clips", "")
    for count, low, high in zip(counts.tolist(), borders, borders[1:], strict=False):
        table.add_row(f"{low:.1f} to {high:.1f}", str(count), Bar(int(counts.max()), 0, count, width=40))
    Terminal().print(table)


def _statistics(utterances: Sequence[Utterance], labels: Iterable[str]) -> list[str]:
    speakers = {utterance.speaker for utterance in utterances if utterance.speaker is not None}
    counts: Mapping[str, int] = Counter(utterance.label or "" for utterance in utterances)
    try:
        minutes = f"{sum(map(seconds, utterances)) / 60:.1f}"
    except AudioError:
        minutes = "bad files"
    return [str(len(utterances)), str(len(speakers) or "-"), minutes, *(str(counts[label]) for label in labels)]
