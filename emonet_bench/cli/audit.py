"""Audit of a corpus on the command line: listen, compare with the other corpora at hand, print the findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import rich_click as click
from rich.box import HORIZONTALS
from rich.progress import Progress, TaskID
from rich.table import Table
from rich.text import Text

from emonet_bench.audio import damaged_stores, open_store
from emonet_bench.audit import Finding, all_clip_stats, verdict, whole
from emonet_bench.console.streams import say
from emonet_bench.console.terminal import Terminal
from emonet_bench.data import label_maps
from emonet_bench.data.coverage import Coverage, coverage
from emonet_bench.directories import cache_directory
from emonet_bench.errors import AudioError, CorpusError
from emonet_bench.escaping import json_text
from emonet_bench.plugins.loading import Plugins

RATE = 16_000
"""Rate of the stores of other corpora: that of most runs, so that they are there already."""

_STYLE = {"leak": "red", "unknown": "magenta", "warning": "yellow", "note": "dim"}


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        protocol: Under which protocol.
        coverage: Of how much of the corpus.
        findings: What.
    """

    protocol: str
    coverage: Coverage
    findings: Sequence[Finding]

    @property
    def verdict(self) -> str:
        """The findings in one word."""
        return verdict(self.findings)


def audited(plugins: Plugins, name: str, protocol: str | None) -> Audit:
    """Audit a corpus, with a progress bar on stderr."""
    corpus = plugins.corpora[name]
    chosen, _ = label_maps.read(corpus, protocol)
    utterances = corpus.load()
    with Progress(console=Terminal(stderr=True), transient=True) as bar:
        task = bar.add_task(f"listening to {name}", total=len(utterances))
        heard = all_clip_stats(utterances, lambda done, _: bar.update(task, completed=done))
        others = _others(plugins, name, bar)
    findings = [*_cache(name), *whole(corpus, utterances, corpus.protocols[chosen], heard, others)]
    return Audit(chosen, coverage(corpus, utterances), findings)


def _cache(name: str) -> Iterator[Finding]:
    """Yield the damaged stores of a corpus's audio."""
    for store in damaged_stores(cache_directory()):
        if store.name.rpartition("-")[0] == name:
            yield Finding("cache", "warning", f"{store} is damaged; it is built again when it is next used")


def _others(plugins: Plugins, name: str, bar: Progress) -> dict[bytes, str]:
    """Tell whose audio lies in the other corpora that are found on this disk."""
    found = {}
    for other, corpus in plugins.corpora.items():
        if other == name or corpus.synthetic:
            continue
        try:
            utterances = corpus.load()
            update = partial(_update, bar, bar.add_task(f"reading {other}", total=len(utterances)))
            store = open_store(other, utterances, RATE, cache_directory(), update, skip_bad=True)
        except (AudioError, CorpusError):
            continue  # not at hand
        for utterance, digest in zip(utterances, store.digests, strict=True):
            if utterance.name not in store.bad:
                found[digest.tobytes()] = f"{other}: {utterance.name}"
    return found


def _update(bar: Progress, task: TaskID, done: int, _: int) -> None:
    bar.update(task, completed=done)


def show_findings(name: str, audit: Audit, *, as_json: bool) -> None:
    """Print an audit."""
    if as_json:
        facts: dict[str, Any] = {
            "corpus": name,
            "protocol": audit.protocol,
            "clips": audit.coverage.found,
            "verdict": audit.verdict,
        }
        facts["coverage"] = audit.coverage.facts()
        text = json_text({**facts, "findings": list(map(asdict, audit.findings))}, indent=2)
        click.echo(text.encode())  # JSON is UTF-8, whatever the console's encoding
        return
    table = Table(box=HORIZONTALS, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in ("check", "level", "found"):
        table.add_column(column, overflow="fold")
    for finding in audit.findings:
        examples = "".join(f"\n  {clip}" for clip in finding.clips)
        table.add_row(finding.check, Text(finding.level, _STYLE[finding.level]), finding.message + examples)
    Terminal().print(table)
    say(f"{name}, protocol {audit.protocol}, {audit.coverage}: {audit.verdict}")
