"""What a cell hears: its corpora, opened, and the clips of each partition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from emonet_bench.data.corpus_ref import CorpusRef
from emonet_bench.data.dataset import Clips
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.matrix.cells import scoring
from emonet_bench.matrix.cells.worker import WORKER
from emonet_bench.matrix.planning.methods import selection_of
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.spec import RunSpec
from emonet_bench.training.batches import FEWEST
from emonet_bench.types import Partition


@dataclass(frozen=True)
class Hearing:
    """The corpora of a cell.

    Attributes:
        spec: The cell's.
        plugins: Where its corpora are registered.
        device: Where clips go.
        skip_bad_files: Whether bad audio files are left out.
    """

    spec: RunSpec
    plugins: Plugins
    device: torch.device
    skip_bad_files: bool = False

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The partitions that the run has to do with; a trial of a search never sees test."""
        return ("train", *scoring.evaluated(self.spec))

    def open(self, sampling_rate: int | None = None) -> dict[str, OpenCorpus]:
        """Open every corpus that the spec names, those that are heard without labels or only scored included.

        Args:
            sampling_rate: Samples per second; None: the training's.
        """
        spec = self.spec
        evaluated = () if spec.evaluate is None else (spec.evaluate.ref,)
        return {
            ref.name: self.open_one(ref, sampling_rate)
            for ref in (*spec.trained_corpora(), *spec.unlabelled_corpora(), *evaluated)
        }

    def open_one(self, ref: CorpusRef, sampling_rate: int | None = None) -> OpenCorpus:
        """Open a corpus under a protocol.

        Args:
            ref: Their names.
            sampling_rate: Samples per second; None: the training's.
        """
        rate = sampling_rate or self.spec.training.sampling_rate
        return WORKER.open_corpus(self.plugins.corpora[ref.name], ref.division, rate, skip_bad=self.skip_bad_files)

    def clips(self, corpus: OpenCorpus) -> dict[Partition, Clips]:
        """Return the clips of a corpus, partition by partition, on the device."""
        training = self.spec.training
        if self.plugins.architectures[self.spec.architecture].fit is None:  # what is fitted has no loss
            known = self.plugins.losses
            corpus.check_loss(known.named(training.loss, "training.loss"), known.values())
        divided = corpus.divide(corpus.fold_or_first(self.spec.fold), training.limit)
        trained = corpus.corpus.name in {ref.name for ref in self.spec.trained_corpora()}
        whole = corpus.clips(range(len(corpus.utterances)), training.auxiliary if trained else ()).to(self.device)
        parts = {part: whole.select(index) for part, index in divided.items() if part in self.partitions}
        chosen = selection_of(training, self.plugins)
        return parts if chosen is None else {**parts, "dev": replace(parts["dev"], selection=chosen)}

    def hear(self, opened: Mapping[str, OpenCorpus]) -> tuple[dict[str, dict[Partition, Clips]], dict[str, Clips]]:
        """Return the clips of the corpora that are trained for, and unlabelled training clips of others.

        Where a teacher teaches on several corpora, no training clip has the audio of a dev or test clip of any of them.
        """
        clips = {name: self.clips(corpus) for name, corpus in opened.items()}
        if len(clips) > 1 and self.plugins.strategies[self.spec.strategy].teacher is not None:
            scored = {digest for corpus in opened.values() for digest in self._scored(corpus)}
            clips = {name: {**parts, "train": _without(parts["train"], scored)} for name, parts in clips.items()}
        others = {ref.name: clips[ref.name]["train"] for ref in self.spec.unlabelled_corpora()}
        own = {ref.name: clips[ref.name] for ref in self.spec.trained_corpora()}
        return own, {name: train for name, train in others.items() if len(train) >= FEWEST}

    def _scored(self, corpus: OpenCorpus) -> Iterator[bytes]:
        """Yield what identifies the audio of each dev and test clip, also of those that a trial does not see."""
        divided = corpus.divide(corpus.fold_or_first(self.spec.fold), self.spec.training.limit)
        for part in ("dev", "test"):
            yield from (corpus.audio.digests[place].tobytes() for place in divided[part])


def _without(train: Clips, scored: set[bytes]) -> Clips:
    """Leave out the clips whose audio is scored, under whatever name."""
    assert train.digests is not None  # those of an opened corpus
    digests = map(bytes, train.digests.tolist())
    return train.select([place for place, digest in enumerate(digests) if digest not in scored])
