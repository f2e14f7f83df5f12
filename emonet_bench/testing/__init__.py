"""A pytest plugin for authors of plugins: kits that hold what they register to the contracts of docs/contracts.md.

In a test of a plugin::

    pytest_plugins = ["emonet_bench.testing"]


    def test_my_architecture_keeps_its_contracts(check_architecture):
        check_architecture("mine", {"width": 4})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emonet_bench.lazy_names import lazy_names

if TYPE_CHECKING:
    from emonet_bench.testing.architectures import check_architecture
    from emonet_bench.testing.augmentations import check_augmentation
    from emonet_bench.testing.corpora import check_corpus
    from emonet_bench.testing.executors import check_executor
    from emonet_bench.testing.hooks import check_hooks
    from emonet_bench.testing.losses import check_loss
    from emonet_bench.testing.metrics import check_metric
    from emonet_bench.testing.optimizers import check_optimizer
    from emonet_bench.testing.report_formats import check_report
    from emonet_bench.testing.strategies import check_strategy

__all__ = [
    "check_architecture",
    "check_augmentation",
    "check_corpus",
    "check_executor",
    "check_hooks",
    "check_loss",
    "check_metric",
    "check_optimizer",
    "check_report",
    "check_strategy",
]

pytest_plugins = ["emonet_bench.testing.fixtures"]  # apart, so that the kits run where pytest is not installed

_MODULES = {
    "check_architecture": "architectures",
    "check_augmentation": "augmentations",
    "check_corpus": "corpora",
    "check_executor": "executors",
    "check_hooks": "hooks",
    "check_loss": "losses",
    "check_metric": "metrics",
    "check_optimizer": "optimizers",
    "check_report": "report_formats",
    "check_strategy": "strategies",
}

# Lazy, so that a worker that runs the executors' kit does not import torch.
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
