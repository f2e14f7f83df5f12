"""The worker: a process that runs the cells of one matrix one after the other, and what it keeps between them.

To load the plugins and to open a corpus takes longer than a small cell itself. In a process that lives for one matrix
both are done once: a cell hears what was planned, whatever becomes of the corpus's files meanwhile. Only the plugins'
code is looked at for every cell, since modules are imported when they are first needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from emonet_bench.data.opened_corpus import OpenCorpus, open_corpus
from emonet_bench.directories import cache_directory
from emonet_bench.matrix.cells.job import Job
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import Corpus

_Opening = tuple[str, str, int, bool]  # of a corpus: its name, division and sampling rate, and whether bad files may be


@dataclass
class Worker:
    """A process that runs cells.

    Attributes:
        keeps: Whether it lives for one matrix alone, so that it may keep anything.
        plugins: The plugins of its last cell.
        corpora: The corpora that its cell has opened so far.
        former: Those of the cell before; what two cells in a row do not open is not kept, for memory is finite.
    """

    keeps: bool = False
    plugins: Plugins | None = None
    corpora: dict[_Opening, OpenCorpus] = field(default_factory=dict)
    former: dict[_Opening, OpenCorpus] = field(default_factory=dict)

    def begin(self, job: Job) -> Plugins:
        """Begin a cell; return the plugins that its job selects, with its corpora."""
        plugins = self.plugins
        self.former, self.corpora = self.corpora, {}
        if plugins is None or plugins.selection != job.selection:
            plugins = Plugins(job.selection)
            plugins.add_corpora(job.corpora)
            self.former = {}
        for origin in plugins.origins:
            origin.forget_version()
        if self.keeps:
            self.plugins = plugins
        return plugins

    def open_corpus(self, corpus: Corpus, division: str, sampling_rate: int, *, skip_bad: bool) -> OpenCorpus:
        """Open a corpus, see ``emonet_bench.data.opened_corpus``, or return it as the cell before has opened it."""
        key = (corpus.name, division, sampling_rate, skip_bad)
        kept = self.corpora.get(key) or self.former.get(key)
        if kept is None or not kept.audio.path.exists():  # the cache may be cleared at any time
            kept = open_corpus(corpus, division, sampling_rate, cache_directory(), skip_bad=skip_bad)
        if self.keeps:
            self.corpora[key] = kept
        return kept


WORKER = Worker()
"""This process."""
