"""Tuning on dev for external predictions: which clips are dev, and in which folds."""

from dataclasses import replace

import pytest
from emonet_builtins.metrics import METRICS

from emonet_bench.errors import ConfigError
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.report.external.tuning import dev_clips
from emonet_bench.types import SplitRule

TUNED = MetricChoice(next(metric for metric in METRICS if metric.name == "tuned_macro_f1"))


def test_each_fold_has_the_dev_of_its_own(open_told):
    opened = open_told("folds5-labels")
    clips = dev_clips(opened, None, TUNED)
    assert list(clips) == opened.folds
    assert [clip.name for clip in clips[1]] == [opened.utterances[i].name for i in opened.divide(1)["dev"]]
    assert list(dev_clips(opened, 1, TUNED)) == [1]


def test_clips_that_are_dev_of_several_folds_cannot_be_told_apart(open_told):
    opened = open_told("folds5-labels")
    wide = {"folds5-labels": SplitRule(folds="each", dev_groups=2, target="labels")}
    opened = replace(opened, corpus=replace(opened.corpus, protocols=wide))
    with pytest.raises(ConfigError, match="--metric tuned_macro_f1: tunes on dev, where clips stand in several folds"):
        dev_clips(opened, None, TUNED)
    assert list(dev_clips(opened, 2, TUNED)) == [2]
