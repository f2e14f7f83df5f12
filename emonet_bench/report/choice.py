"""The metric that a report shows: UAR, or one that is registered under the name asked for."""

from __future__ import annotations

from collections.abc import Collection

from emonet_bench.metrics.choice import MetricChoice, choose_metric
from emonet_bench.metrics.defaults import DEFAULTS, UAR
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import TargetKind

UAR_CHOICE = MetricChoice(UAR)

Wanted = MetricChoice | str
"""A metric, or its name."""


def wanted_metric(wanted: Wanted, plugins: Plugins | None = None) -> MetricChoice:
    """Look up a metric where a name is given.

    Args:
        wanted: The metric, or its name.
        plugins: Where it is registered; None: what is installed.

    Raises:
        ConfigError: There is none of that name; one line that names the nearest.
    """
    if isinstance(wanted, MetricChoice):
        return wanted
    if wanted == str(UAR_CHOICE):
        return UAR_CHOICE  # without loading a plugin
    return choose_metric(wanted, (plugins or Plugins(corpora=False)).metrics, "--metric")


def fitting_metric(metric: MetricChoice, kinds: Collection[TargetKind]) -> MetricChoice:
    """Return the metric or, where it is the UAR and no labels were predicted, the default of what was.

    Args:
        metric: Which is wanted.
        kinds: The kinds of targets that were predicted.
    """
    if metric != UAR_CHOICE or not kinds or "label" in kinds:
        return metric
    return MetricChoice(DEFAULTS[min(kinds)])
