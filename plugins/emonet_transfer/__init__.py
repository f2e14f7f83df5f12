"""Strategies: EmoNet's (Gerczuk et al., 2023), from scratch to multi-task, and distillation (Hinton et al., 2015)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emonet_bench import hookimpl
from emonet_bench.types import Plan, Strategy, TeacherRun
from emonet_transfer.options import AdapterOptions, DistillOptions, MultiTaskOptions, NoOptions

CITATION = """@article{gerczuk2023emonet,
  title = {EmoNet: A Transfer Learning Framework for Multi-Corpus Speech Emotion Recognition},
  author = {Gerczuk, Maurice and Amiriparian, Shahin and Ottl, Sandra and Schuller, Bj{\\"o}rn W.},
  journal = {IEEE Transactions on Affective Computing},
  volume = {14}, number = {2}, year = {2023}
}"""
DISTILLATION = """@inproceedings{hinton2015distilling,
  title = {Distilling the Knowledge in a Neural Network},
  author = {Hinton, Geoffrey and Vinyals, Oriol and Dean, Jeff},
  booktitle = {NIPS Deep Learning and Representation Learning Workshop},
  year = {2015}
}"""
SOURCES = ("scratch", "multi-task")


def _prepare(name: str) -> Any:
    def prepare(*arguments: Any) -> Plan:
        from emonet_transfer import strategies  # noqa: PLC0415 - torch is imported when a plan is made, not before

        plan: Plan = getattr(strategies, name)(*arguments)
        return plan

    return prepare


def _teacher(options: Mapping[str, Any]) -> TeacherRun:
    unlabelled = options.get("unlabelled", False)
    return TeacherRun(options["teacher"], options["teacher_strategy"], options["teacher_options"], unlabelled)


@hookimpl
def emonet_strategies() -> Iterable[Strategy]:
    """Register the strategies."""
    return [
        Strategy("scratch", NoOptions, _prepare("scratch"), citation=CITATION),
        *(
            Strategy(
                name,
                NoOptions,
                _prepare(name.replace("-", "_")),
                source_strategies=SOURCES,
                source_options=lambda _: {"adapters": False},
                citation=CITATION,
            )
            for name in ("finetune", "last-layer")
        ),
        Strategy(
            "adapters",
            AdapterOptions,
            _prepare("adapters"),
            source_strategies=SOURCES,
            source_options=lambda options: {**options, "adapters": True},
            citation=CITATION,
        ),
        Strategy("multi-task", MultiTaskOptions, _prepare("multi_task"), multi_corpus=True, citation=CITATION),
        Strategy("distill", DistillOptions, _prepare("distill"), teacher=_teacher, citation=DISTILLATION),
    ]
