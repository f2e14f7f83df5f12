"""Kinds of targets in a matrix: which architectures predict them, and which corpora go together."""

from __future__ import annotations

from collections.abc import Sequence

from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import ConfigError
from emonet_bench.types import Architecture, Strategy


def unfit(architecture: Architecture, strategy: Strategy, opened: Sequence[OpenCorpus]) -> str | None:
    """Say why an architecture, or a strategy with a teacher, is not for the targets of some corpora.

    Args:
        architecture: Which.
        strategy: Which; a teacher tells probabilities of labels.
        opened: The corpora that it is trained on together.

    Returns:
        A reason, or None.

    Raises:
        ConfigError: The corpora have targets of several kinds.
    """
    kinds = {corpus.target.kind: corpus for corpus in opened}
    if len(kinds) > 1:
        told = ", ".join(f"{one.corpus.name} ({kind})" for kind, one in kinds.items())
        raise ConfigError(f"corpora: {told} have targets of several kinds; train on them in matrices of their own")
    for kind, corpus in kinds.items():
        if not architecture.takes(kind):
            return f"{architecture.name} predicts no {kind}, which protocol {corpus.protocol!r} is about"
        if strategy.teacher and kind != "label":
            return f"{strategy.name} has a teacher of labels, and protocol {corpus.protocol!r} is about {kind}"
    return None
