"""Options: one pydantic declaration feeds the matrix file, the command line, the docs and the run id."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo

from emonet_bench.errors import ConfigError
from emonet_bench.files import check_regular
from emonet_bench.validation_messages import in_one_line

Model = TypeVar("Model", bound=BaseModel)


class Options(BaseModel):
    """A frozen set of options; unknown names are errors. TOML has no null: the word ``none`` stands for it.

    >>> Training(window="none").window is None
    True
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    later: ClassVar[tuple[str, ...]] = ()  # options added since: at their default they are no part of a run's identity

    @model_serializer(mode="wrap")
    def _without_later(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = serialise(self)
        return {k: v for k, v in values.items() if k not in self.later or v != type(self).model_fields[k].default}

    @model_validator(mode="before")
    @classmethod
    def _none(cls, values: Any) -> Any:
        """Read the word ``none`` as nothing, where an option may be nothing."""
        if not isinstance(values, Mapping) or "none" not in values.values():
            return values
        nullable = {name for name, field in cls.model_fields.items() if type(None) in get_args(field.annotation)}
        return {name: None if value == "none" and name in nullable else value for name, value in values.items()}


def option(default: Any, description: str, *, short: str | None = None, **constraints: Any) -> Any:
    """Declare one option.

    Args:
        default: Its default.
        description: One sentence for the help, the docs and the docstring alike.
        short: Its short flag on the command line, such as ``-nm``.
        constraints: pydantic's, such as ``ge=1``.

    Returns:
        A pydantic field.
    """
    return Field(default, description=description, json_schema_extra={"short": short} if short else None, **constraints)


class Training(Options):
    """How a cell is trained. A finished run holds these values resolved: no ``auto`` is left in them."""

    later = (
        *("augment", "augmentation_options", "auxiliary", "auxiliary_losses", "class_balanced_beta", "features"),
        *("layer_decay", "loss_options", "optimizer_options", "selection"),
    )

    epochs: int = option(40, "Most passes over the training clips.", short="-e", ge=1, le=1_000_000)
    batch_size: int = option(32, "Clips in a batch.", short="-bs", ge=2, le=65_536)
    optimizer: str = option("adamw", "Optimiser, by its registered name.", short="-o")
    optimizer_options: dict[str, Any] = option({}, "Options of the optimiser, where they are not all defaults.")
    learning_rate: float = option(2e-3, "Highest learning rate.", short="-lr", gt=0)
    layer_decay: float = option(
        1.0,
        "Factor on the learning rate from the head to the highest layer, and from each layer to the one below it "
        "(Clark et al., 2020): a pretrained network is trained with something like 0.8; 1: all learn at one rate.",
        gt=0,
        le=1,
    )
    schedule: Literal["cosine", "stages"] = option(
        "cosine",
        "cosine: warm-up, then a cosine to zero; stages: EmoNet's three stages at lr, lr/10 and lr/100, "
        "each from the best epoch so far.",
    )
    patience: int | None = option(
        None,
        "Epochs without a dev UAR (or `selection`) better by 0.005 that end a stage; none: never.",
        short="-p",
        ge=1,
    )
    selection: str | None = option(
        None,
        "Metric that selects on dev (the epoch, the initialisation, what is fitted), by its name, `uar:anger` for one "
        "label; none: UAR of single labels, and of other targets their own.",
    )
    weight_decay: float = option(0.01, "Weight decay where the strategy sets none.", ge=0)
    loss: str = option("crossentropy", "Loss, by its registered name.", short="-l")
    loss_options: dict[str, Any] = option({}, "Options of the loss, where they are not all defaults.")
    auxiliary: dict[str, Annotated[float, Field(gt=0)]] = option(
        {},
        "Further targets of the corpora that the network learns beside the protocol's, each with a head for training "
        "alone, neither scored nor exported: names, and what their losses weigh, such as `{ values = 0.5 }`.",
    )
    auxiliary_losses: dict[str, str] = option(
        {},
        "Losses of auxiliary targets by their registered names, where they are not these: crossentropy of labels and "
        "votes, bce of label sets, ccc of values.",
    )
    augment: list[str] = option([], "Augmentations of training clips by their registered names, in this order.")
    augmentation_options: dict[str, dict[str, Any]] = option(
        {}, "Options of augmentations, by name, where they are not all defaults."
    )
    label_smoothing: float = option(0.1, "Label smoothing of the cross-entropy.", ge=0, lt=1)
    balanced_weights: bool = option(True, "Weigh classes by their inverse frequency in train.", short="-bw")  # noqa: FBT003
    class_balanced_beta: float | None = option(
        None,
        "Weigh classes by the effective number of their clips (Cui et al., 2019) with this beta, such as 0.99, in "
        "place of their frequency; none: by the frequency itself.",
        gt=0,
        lt=1,
    )
    window: float | None = option(
        3.0, "Seconds of the random crop in training; none: whole clips.", short="-w", gt=0, le=3_600
    )
    short_clips: Literal["repeat", "pad"] = option(
        "repeat", "How a clip shorter than the training window fills it: repeated, or padded with zeros."
    )
    evaluation: Literal["whole", "centre", "windows"] = option(
        "whole",
        "What evaluation and the exported model hear: the whole clip, its centre window, or windows that overlap by "
        "half, their logits averaged.",
    )
    steps_per_epoch: int | None = option(
        None,
        "Batches of each corpus in an artificial epoch; none: one pass over the largest corpus.",
        short="-spe",
        ge=1,
        le=1_000_000,
    )
    sampling_rate: int = option(16_000, "Samples per second that networks hear.", ge=1_000, le=192_000)
    device: Literal["auto", "cpu", "cuda"] = option("auto", "Kind of device; auto: cuda where there is one.")
    precision: Literal["auto", "float32", "bfloat16"] = option(
        "auto", "Arithmetic of training; auto: bfloat16 on cuda and on CPUs that multiply it. Scores are float32."
    )
    threads: int = option(
        1, "CPU threads of a cell; workers never change it, so they never change a number.", ge=1, le=1_024
    )
    features: Literal["float32", "float16", "off"] | None = option(
        None,
        "How the features that a frozen backbone makes of whole clips are kept on disk, once for all cells; off: not, "
        "they are computed anew for every batch; none: in float32 wherever they can be kept.",
    )
    limit: int | None = option(None, "Most clips of each partition, for a smoke run; none: all.", ge=2)

    @model_validator(mode="after")
    def _agreeing(self) -> Self:
        """Hold options that say more of others to these."""
        if self.class_balanced_beta is not None and not self.balanced_weights:
            raise ValueError("class_balanced_beta weighs classes, and balanced_weights is off; leave one of them out")
        if strangers := sorted(self.auxiliary_losses.keys() - self.auxiliary.keys()):
            raise ValueError(f"auxiliary_losses names {strangers[0]!r}, which auxiliary does not; add its weight there")
        return self

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        """Hold a batch to a size that a machine may have room for; every value by itself may be sensible."""
        gigabytes = 4 * self.batch_size * (self.window or 0) * self.sampling_rate / 1e9  # float32
        if gigabytes > _LARGEST_BATCH_GB:
            raise ValueError(
                f"a batch would hold {gigabytes:.0f} GB of samples; lower batch_size, window or sampling_rate"
            )
        return self


_LARGEST_BATCH_GB = 32


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: It is missing, unreadable or not TOML.
    """
    try:
        check_regular(path, "TOML")
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a byte order mark
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (ValueError, RecursionError) as error:  # numbers of 5000 digits and nested brackets, too
        raise ConfigError(f"{path}: not a TOML file ({error})") from error


def parse(model: type[Model], values: Mapping[str, Any], where: str) -> Model:
    """Validate values against an options model.

    Args:
        model: The model.
        values: What the user gave.
        where: The file or flag that the values come from, for the message.

    Raises:
        ConfigError: One line that names the option, with the nearest known name where there is one.

    >>> parse(Training, {"epoch": 3}, "matrix.toml: training")
    Traceback (most recent call last):
    emonet_bench.errors.ConfigError: matrix.toml: training.epoch: unknown option; did you mean 'epochs'?
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(in_one_line(error, model, values, where)) from None


def axes(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Find the options for which a list stands where a single value belongs: each is one more axis of the matrix.

    >>> axes(Training, {"epochs": [5, 10], "loss": "focal"})
    {'epochs': [5, 10]}
    """
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, list) and name in model.model_fields and not _fits(model.model_fields[name], value)
    }


def _fits(field: FieldInfo, value: object) -> bool:
    constrained: Any = Annotated[field.annotation, field]
    try:
        TypeAdapter(constrained).validate_python(value)
    except ValidationError:
        return False
    return True
