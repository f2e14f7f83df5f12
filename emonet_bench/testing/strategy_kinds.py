"""Kinds of targets, a contract of strategies: what is prepared for votes, label sets and values learns them."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from torch import Tensor
from torch.nn.functional import mse_loss

from emonet_bench.errors import ConfigError
from emonet_bench.networks.outputs import INDEPENDENT
from emonet_bench.testing.contracts import BrokenError
from emonet_bench.testing.strategy_bench import RECIPE, StrategyBench
from emonet_bench.training.loop import train
from emonet_bench.training.losses import Mean
from emonet_bench.types import Plan, TargetKind, TargetSummary, TrainingSet


def kinds(bench: StrategyBench) -> None:
    """It prepares networks for every kind of target, and they learn; strategies with a teacher are for labels only."""
    for kind in () if bench.strategy.teacher else get_args(TargetKind)[1:]:
        for network in bench.networks:
            try:
                attempt = bench.attempt(network, kind=kind)
            except ConfigError:  # the network's own heads are for labels only
                continue
            if attempt is None:
                continue
            plan, corpora = attempt
            clips = {corpus.corpus: bench.clips(corpus) for corpus in corpora}
            before = [_logits(bench, plan, corpus) for corpus in corpora]
            train(plan, clips, clips, RECIPE, seed=0, methods=replace(bench.methods, loss=_squared_error))
            for corpus, untrained in zip(corpora, before, strict=True):
                logits = _logits(bench, plan, corpus)
                if logits.shape[1] != len(corpus.labels) or not logits.isfinite().all():
                    raise BrokenError(f"{kind}: logits of two names were {tuple(logits.shape)}, or not finite")
                if kind in INDEPENDENT and bool((logits == untrained).all(0).any()):
                    raise BrokenError(
                        f"{kind}: the logits of a name never moved; give build_classifier the TrainingSets"
                    )


def _logits(bench: StrategyBench, plan: Plan, corpus: TrainingSet) -> Tensor:
    plan.classifier.select(corpus.corpus)
    return bench.logits_of_clips(plan.classifier)


def _squared_error(_: TargetSummary) -> Mean:
    return lambda logits, targets, _: mse_loss(logits, targets)
