"""Architecture: a kind of network, as plugins register it. No torch at import.

``emonet_bench.types`` has this name, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emonet_bench.types.input_spec import InputSpec
from emonet_bench.types.naming import check_name
from emonet_bench.types.targets import TargetKind


@dataclass(frozen=True)
class Architecture:
    """A kind of network.

    Attributes:
        name: Registered name.
        family: ``cnn``, ``rnn``, ``fusion``, ``baseline`` or another word for its kind.
        options: Its options model, a subclass of ``emonet_bench.config.Options``.
        build: ``build(options, input_spec) -> Network`` (an ``nn.Module``). Randomness comes from torch's global seed.
        fit: None where the network is trained by gradients. Otherwise ``fit(classifier, train, dev, options, seed)``
            sets the weights of the ``emonet_bench.networks.Classifier`` in place; ``train`` and ``dev`` are
            ``emonet_bench.data.dataset.Clips``. It returns None, or decisions worth recording in the result: texts by
            name. Such an architecture runs only with strategies that need no source and one corpus.
        citation: BibTeX.
        load_external: ``load_external(path) -> Checkpoint``: weights of such networks that another program wrote; the
            header needs ``architecture``, ``architecture_options`` and ``corpora``. None: it reads no such file.
        kinds: The kinds of targets that it is for; empty: all where it is trained by gradients, and the label alone
            where it is fitted.
    """

    name: str
    family: str
    options: type[Any]
    build: Callable[[Any, InputSpec], Any]
    fit: Callable[..., Mapping[str, str] | None] | None = None
    citation: str = ""
    load_external: Callable[[Path], Any] | None = None
    kinds: tuple[TargetKind, ...] = ()

    def __post_init__(self) -> None:
        check_name("architecture", self.name)

    def takes(self, kind: TargetKind) -> bool:
        """Tell whether it is for a kind of target."""
        return kind in self.kinds if self.kinds else self.fit is None or kind == "label"
