"""Label maps: which labels are told apart, written into the name of the protocol so that a run can be repeated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote, unquote

from emonet_bench.data.corpus_ref import SPEAKER_NORMALISED, CorpusRef
from emonet_bench.errors import ConfigError
from emonet_bench.types import LABEL, Corpus
from emonet_bench.validation_messages import did_you_mean


def protocol_name(protocol: str | None, labels: str | Mapping[str, str] | None) -> str | None:
    """Name a protocol and a label map in one word, which ``read`` understands.

    Args:
        protocol: Name of a protocol, or None for the default.
        labels: Name of one of the corpus's maps, a map of its own, or None.

    >>> protocol_name("loso", "4-class"), protocol_name(None, {"boredom": "neutral", "disgust": ""})
    ('loso:4-class', ':boredom=neutral,disgust=')
    """
    if not labels:
        return protocol
    if not isinstance(labels, str):
        labels = ",".join(f"{quote(old, safe='')}={quote(new, safe='')}" for old, new in labels.items())
    return CorpusRef("", protocol or "", labels).division


def read(corpus: Corpus, name: str | None) -> tuple[str, Mapping[str, str]]:
    """Find the protocol and the label map of a name.

    Returns:
        The name of the protocol that divides the corpus, and what becomes of labels; those that are not named stay.

    Raises:
        ConfigError: The corpus has no such protocol, map or label.
    """
    ref = CorpusRef.of(corpus.name, name or "")
    protocol, labels = ref.split or next(iter(corpus.protocols)), ref.label_map
    where = f"corpora.{corpus.name}"
    if protocol not in corpus.protocols and "@" in protocol:
        raise ConfigError(
            f"{where}.protocol: unknown {protocol!r}; behind a protocol only {SPEAKER_NORMALISED!r} stands"
        )
    if protocol not in corpus.protocols:
        raise ConfigError(f"{where}.protocol: unknown {protocol!r}{did_you_mean(protocol, corpus.protocols)}")
    if not labels:
        return protocol, {}
    if corpus.protocols[protocol].target != LABEL:
        raise ConfigError(
            f"{where}.labels: a label map is for the label, and protocol {protocol!r} is about "
            f"{corpus.protocols[protocol].target!r}; leave the map out"
        )
    if "=" not in labels:
        if labels not in corpus.maps:
            known = did_you_mean(labels, corpus.maps) if corpus.maps else "; the corpus has no label map"
            raise ConfigError(f"{where}.labels: unknown label map {labels!r}{known}")
        return protocol, corpus.maps[labels]
    entries = (entry.partition("=") for entry in labels.split(","))
    mapped = {unquote(old): unquote(new) for old, _, new in entries}
    for label in mapped:
        if label not in corpus.labels:
            raise ConfigError(f"{where}.labels: no label {label!r}{did_you_mean(label, corpus.labels)}")
    return protocol, mapped


def map_labels(source: Corpus, trained: Sequence[str], target: Corpus, name: str) -> dict[str, str] | None:
    """Say what the labels of a network count as on another corpus, through a label map that both have.

    Args:
        source: The corpus that the network was trained on.
        trained: The labels that it was trained with: the corpus's own, or those that this map leaves.
        target: The other corpus.
        name: Of the map.

    Returns:
        For each trained label one of the target's under the map, or ``""`` where it has none. None where a corpus lacks
        the map, the network was trained under another one, or it can never give some label of the target's.
    """
    if name not in source.maps or name not in target.maps:
        return None
    own, wanted = (relabelled(corpus, corpus.maps[name]).labels for corpus in (source, target))
    if tuple(trained) == source.labels:
        counted = {label: source.maps[name].get(label, label) for label in trained}
    elif tuple(trained) == own:
        counted = {label: label for label in trained}
    else:
        return None
    kept = {label: new if new in wanted else "" for label, new in counted.items()}
    return kept if set(wanted) <= set(kept.values()) else None


def relabelled(corpus: Corpus, mapped: Mapping[str, str]) -> Corpus:
    """Return the corpus with the labels that a map leaves; its utterances are mapped by who loads them.

    A map that names every label declares their order, too. Otherwise they keep the corpus's.

    Raises:
        ConfigError: Fewer than two labels are left.
    """
    if not mapped:
        return corpus
    olds = mapped if mapped.keys() == set(corpus.labels) else corpus.labels
    news = tuple(dict.fromkeys(new for old in olds if (new := mapped.get(old, old))))
    if len(news) < 2:  # noqa: PLR2004
        raise ConfigError(f"corpora.{corpus.name}.labels: leaves {len(news)} of two labels at least")
    ordered = corpus.ordered or olds is mapped
    return replace(corpus, labels=news, fingerprint=None, clips=None, ordered=ordered)
