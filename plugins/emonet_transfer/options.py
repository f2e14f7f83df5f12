"""Options of the strategies; torch is not imported here."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Json, model_validator

from emonet_bench.config import Options, option


class NoOptions(Options):
    """The strategy has no options."""


class AdapterOptions(Options):
    """What is new for each corpus beside its batch norms and head."""

    share_feature_layer: bool = option(
        default=False, description="Share the pooling of deep features between corpora.", short="-sfl"
    )
    individual_weight_decay: bool = option(
        default=False,
        description="Weight decay of the adapters by training-set size: the fewer clips, the larger.",
        short="-iwd",
    )
    reduction: int = option(4, "Factor by which an adapter of a sequence layer narrows.", ge=1)
    rank: int | None = option(
        None, "Write an adapter's 1x1 kernel as a product of this inner size; none: a full kernel.", ge=1
    )


class MultiTaskOptions(AdapterOptions):
    """Several corpora on one shared network."""

    adapters: bool = option(
        default=True,
        description="Give each corpus adapters, batch norms and pooling of its own, where the architecture has a place "
        "for adapters; otherwise only a head.",
    )

    @model_validator(mode="before")
    @classmethod
    def _nothing_of_adapters_without_them(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Without adapters their options say nothing: equal networks are equal runs."""
        return values if values.get("adapters", True) else {"adapters": False, **_others(values)}


class DistillOptions(Options):
    """Who teaches, and what."""

    later = ("unlabelled",)

    teacher: str = option("svm", "Architecture of the teacher: of its run on the same corpus, fold and seed.")
    teacher_options: dict[str, Any] | Json[dict[str, Any]] = option(
        {}, "Its options where they differ from those of its own rows; on a command line as JSON."
    )
    teacher_strategy: str | None = option(
        "scratch",
        "How the teacher is trained; none: not at all, the frozen part of a pretrained backbone (or functionals) is "
        "taught as it is.",
    )
    what: Literal["logits", "embeddings", "both"] = option("both", "What is taught: soft labels, embeddings, or both.")
    weight: float = option(1.0, "Weight of what the teacher says; the labels have the weight 1.", gt=0)
    temperature: float = option(2.0, "Temperature that softens the labels of teacher and student alike.", gt=0)
    components: int = option(
        64, "Principal components of the teacher's embeddings that a linear map of the student's must tell.", ge=1
    )
    unlabelled: bool = option(
        default=False,
        description="Teach on the train clips of the matrix's other corpora, too, in the same fold, without their "
        "labels: a batch of one of them, in turn, in every step.",
    )

    @model_validator(mode="after")
    def _an_untrained_teacher_has_no_labels(self) -> Self:
        if self.teacher_strategy is None and self.what != "embeddings":
            raise ValueError('teacher_strategy = "none" names a teacher without labels; set what = "embeddings"')
        return self


def _others(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in AdapterOptions.model_fields}
