"""Distillation: who teaches, and what it makes of the clips that a student hears. No torch at import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class TeacherRun:
    """A run that teaches: on the student's corpus, in its fold and of its seed. A matrix plans it where it has none.

    Attributes:
        architecture: Its architecture.
        strategy: How it is trained; one that needs no source and one corpus. None: it is no run but the frozen part of
            such a network as it is built, a pretrained backbone say, and tells embeddings alone, of any corpora.
        options: Options of the architecture, where they differ from the matrix's.
        unlabelled: Whether it teaches on the training clips of the matrix's other corpora, too, without their labels.
    """

    architecture: str
    strategy: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    unlabelled: bool = False


@dataclass(frozen=True)
class TeacherOutputs:
    """What a teacher makes of some clips, each heard as the teacher is scored: by default as a whole.

    Attributes:
        embeddings: (N, D) float32, in the order of the clips.
        logits: (N, classes) float32, of the student's labels; None where the teacher was not trained.
    """

    embeddings: torch.Tensor
    logits: torch.Tensor | None


@dataclass(frozen=True)
class Teacher:
    """A teacher, as a strategy sees it.

    Attributes:
        title: What it is: ``whisper-probe scratch``.
        outputs: What it makes of the training clips of each corpus, unlabelled ones included, by the corpus's name
            (``Batch.corpus``); the rows are those that ``Batch.index`` counts.
    """

    title: str
    outputs: Mapping[str, TeacherOutputs]
