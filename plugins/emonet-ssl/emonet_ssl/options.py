"""Options of the backbones; torch and transformers are not imported here."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import (
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from emonet_bench.config import Options, option
from emonet_bench.errors import ConfigError
from emonet_ssl.checkpoint import configuration, identify

_CHECKPOINT = (
    "Directory that save_pretrained wrote, the name of one in EMONET_BENCH_MODELS_DIR, or a name on the Hugging Face "
    "hub."
)
MOST_LAYERS = 1000
"""Of a backbone: more is no model but damage."""

_NORMALISE = "utterance: every layer's pooled row gets zero mean and unit variance over its features, clip by clip."


def checkpoint_option(default: str) -> Any:
    """Declare the option ``checkpoint``."""
    return option(default, _CHECKPOINT, min_length=1)


class CheckpointOptions(Options):
    """Which checkpoint.

    Attributes:
        architecture: Whose options these are.
        families: What ``config.json`` may call the model; empty: anything that has no architecture of its own.
    """

    architecture: ClassVar[str]
    families: ClassVar[tuple[str, ...]]

    checkpoint: str = checkpoint_option("")
    weights: str | None = option(
        None,
        "Identity of the checkpoint: the SHA-256 of its files, or the hub's commit; none: that which is found. With "
        "another one the run is refused.",
        validate_default=True,
    )

    @field_validator("weights")
    @classmethod
    def _found(cls, weights: str | None, info: ValidationInfo) -> str | None:
        """Put the checkpoint's identity among the options, and so into the run's."""
        checkpoint = info.data.get("checkpoint")
        return weights if checkpoint is None else identify(checkpoint, cls.architecture, weights)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Hold the model's family and the layers that are asked for against ``config.json``."""
        family = self.config.get("model_type")
        if not 0 <= self.depth <= MOST_LAYERS:
            raise ConfigError(
                f"options.{self.architecture}.checkpoint: config.json of {self.checkpoint} says {self.depth} layers; "
                "give a directory that save_pretrained wrote"
            )
        own = family in self.families if self.families else family not in _NAMED
        if not own:
            other = family if family in _NAMED else "automodel, for any other model of speech,"
            raise ConfigError(
                f"options.{self.architecture}.checkpoint: {self.checkpoint} holds a {family!r} model; take one of this "
                f"architecture, or name {other} instead"
            )
        for name, layer in self.named_layers():
            if not 0 <= layer <= self.depth:
                raise ConfigError(
                    f"options.{self.architecture}.{name}: {layer} is out of range; {self.checkpoint} has the layers 0 "
                    f"(what the first one is given) to {self.depth}"
                )
        return self

    @property
    def config(self) -> dict[str, Any]:
        """Content of the checkpoint's ``config.json``."""
        assert self.weights is not None
        return configuration(self.checkpoint, self.architecture, self.weights)

    @property
    def depth(self) -> int:
        """Number of layers that the checkpoint's encoder has."""
        config = self.config
        number = config.get("encoder_layers", config.get("num_hidden_layers", 0))
        return number if isinstance(number, int) else -1

    @property
    def states(self) -> tuple[int, ...]:
        """The hidden states that are pooled, ascending: 0 is what the first layer is given."""
        raise NotImplementedError

    @property
    def highest(self) -> int:
        """The highest layer that is used."""
        return self.states[-1]

    def named_layers(self) -> list[tuple[str, int]]:
        """Return the layers that are asked for, with the options that ask."""
        raise NotImplementedError


class SslOptions(CheckpointOptions):
    """Options of a backbone whose head is trained by gradients."""

    layer: Literal["mix"] | int = option(
        "mix",
        "The hidden state that is pooled: a learnt weighted mean of all, or a number; 0 is what the first layer is "
        "given. Layers above are neither run nor stored.",
    )
    pooling: Literal["mean", "statistics", "attention"] = option(
        "mean",
        "How the frames of a clip become one row: their mean, mean and standard deviation, or a mean weighted by a "
        "learnt query.",
    )
    normalise: Literal["none", "utterance"] = option("none", _NORMALISE)
    head: Literal["linear", "mlp", "emonet"] = option(
        "emonet",
        "From an embedding to logits: a linear layer, two hidden layers of 128, or EmoNet's head; features are "
        "standardised before the first two.",
    )
    finetune: Literal["none", "transformer", "all"] = option(
        "none", "What of the backbone is trained: nothing, the transformer, or its convolutions over the signal, too."
    )
    upper: int | None = option(
        None, "With finetune = 'transformer': only so many of the layers used, the highest; none: all of it.", ge=1
    )

    @model_validator(mode="after")
    def _upper_is_of_the_transformer(self) -> Self:
        if self.upper is not None and (self.finetune != "transformer" or self.upper > self.highest):
            raise ConfigError(
                f"options.{self.architecture}.upper: {self.upper} needs finetune = 'transformer' and as many layers "
                f"that are used ({self.highest})"
            )
        return self

    @property
    def states(self) -> tuple[int, ...]:
        """See ``CheckpointOptions.states``."""
        return tuple(range(self.depth + 1)) if self.layer == "mix" else (self.layer,)

    def named_layers(self) -> list[tuple[str, int]]:
        """See ``CheckpointOptions.named_layers``."""
        return [] if self.layer == "mix" else [("layer", self.layer)]


class ProbeOptions(CheckpointOptions):
    """Options of a backbone with a probe that is fitted without gradients."""

    layers: Literal["all"] | tuple[int, ...] = option(
        "all", "Layers to choose from by UAR on dev; all: every one from 0 up. Those above the chosen one are dropped."
    )
    combine: Literal["choose", "concatenate"] = option(
        "choose", "What becomes of several layers: the best on dev is chosen, or all are put side by side."
    )
    pooling: Literal["mean", "statistics"] = option(
        "statistics", "How the frames of a clip become one row: their mean, or mean and standard deviation."
    )
    normalise: Literal["none", "utterance"] = option("none", _NORMALISE)
    probe: Literal["svm", "logistic", "knn"] = option(
        "svm",
        "Of labels a linear support vector machine, logistic regression or nearest neighbours, on features "
        "standardised on train; values have ridge regression.",
    )
    c_grid: tuple[float, ...] = option(
        (1e-4, 1e-3, 1e-2),
        "Costs C of a mistake to choose from by UAR on dev; larger ones fit a thousand features far longer.",
        min_length=1,
    )
    neighbours: tuple[int, ...] = option(
        (1, 3, 5, 9, 15, 25),
        "With probe = 'knn': numbers of nearest training clips to choose from by UAR on dev.",
        min_length=1,
    )
    balanced: bool = option(default=True, description="Weigh classes by their inverse frequency in train.")
    batch_size: int = option(8, "Clips that are embedded at once while fitting; no number depends on it.", ge=1)

    @field_validator("layers")
    @classmethod
    def _ascending(cls, layers: Literal["all"] | tuple[int, ...]) -> Literal["all"] | tuple[int, ...]:
        if layers == "all":
            return layers
        if not layers:
            raise ValueError("name at least one layer")
        return tuple(sorted(set(layers)))

    @field_validator("neighbours")
    @classmethod
    def _positive(cls, neighbours: tuple[int, ...]) -> tuple[int, ...]:
        if min(neighbours) < 1:
            raise ValueError("every number is at least 1")
        return neighbours

    @model_serializer(mode="wrap")
    def _without_later(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what linear probes do not use and what came later: what identifies their runs stays as it was."""
        values: dict[str, Any] = serialise(self)
        return {name: value for name, value in values.items() if name != "neighbours" or self.probe == "knn"}

    @property
    def states(self) -> tuple[int, ...]:
        """See ``CheckpointOptions.states``."""
        return tuple(range(self.depth + 1)) if self.layers == "all" else self.layers

    def named_layers(self) -> list[tuple[str, int]]:
        """See ``CheckpointOptions.named_layers``."""
        return [] if self.layers == "all" else [("layers", layer) for layer in self.layers]


_NAMED = ("data2vec-audio", "hubert", "wav2vec2", "wavlm", "whisper")
"""Families with an architecture of their own."""
