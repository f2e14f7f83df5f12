"""Nearest neighbours on the functionals of ``svm``."""

from __future__ import annotations

from emonet_baselines.svm import FunctionalsNetwork
from emonet_bench.training.nearest_neighbours import NearestNeighboursHead


class KnnNetwork(FunctionalsNetwork):
    """Standardised functionals, compared with those of the training clips."""

    def make_head(self, classes: int) -> NearestNeighboursHead:
        """Make the head that holds the training clips."""
        return NearestNeighboursHead(self.dim, classes)
