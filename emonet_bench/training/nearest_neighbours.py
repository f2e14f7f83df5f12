"""Nearest neighbours: a head that holds the training clips' embeddings and votes with those next to a clip's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from emonet_bench.data.dataset import Clips
from emonet_bench.errors import TrainingError
from emonet_bench.networks import Classifier
from emonet_bench.training.linear_models import compute_rows, standardiser
from emonet_bench.training.losses import balanced_weights, check_labels
from emonet_bench.training.prediction import embedding_pass

MOST_ROWS = 20_000
"""Training clips that the head holds at most: they all become part of the exported file."""

_LEAST = 1e-3  # of a vote that every label has, so that no logit is infinite


class NearestNeighboursHead(nn.Module):
    """Weighted nearest neighbours (Hechenbichler & Schliep, 2004) with the Epanechnikov kernel.

    Of the k nearest training clips, each votes for its label with 1 - (d / D)^2: d is its distance and D that of the
    (k + 1)-th. So a vote fades to nothing before its clip leaves the k, and rounding never moves a whole vote. Weights
    and votes are buffers: the head is exported with all of them.
    """

    rows: Tensor
    votes: Tensor
    neighbours: Tensor

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(2, dim))  # (M, D)
        self.register_buffer("votes", torch.ones(2, classes))  # (M, classes)
        self.register_buffer("neighbours", torch.tensor(1))

    def forward(self, embedding: Tensor) -> Tensor:
        """Map embeddings (N, D) to logits (N, classes), the logarithms of the labels' shares of the votes."""
        squares = embedding.square().sum(1, keepdim=True) + self.rows.square().sum(1) - 2 * embedding @ self.rows.T
        distances, places = squares.clamp_min(0).topk(int(self.neighbours) + 1, dim=1, largest=False)  # (N, k + 1)
        weights = 1 - distances[:, :-1] / distances[:, -1:].clamp_min(torch.finfo(distances.dtype).tiny)  # (N, k)
        votes = (weights[..., None] * self.votes[places[:, :-1]]).sum(1) + _LEAST  # (N, classes)
        return (votes / votes.sum(1, keepdim=True)).log()

    def set(self, rows: Tensor, votes: Tensor, neighbours: int) -> None:
        """Take training rows (M, D) with what each votes (M, classes), and how many are asked."""
        self.rows, self.votes = rows.to(self.rows), votes.to(self.votes)
        self.neighbours.fill_(neighbours)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any) -> None:
        """Make room for as many rows as there are."""
        for name in ("rows", "votes"):
            if (given := state_dict.get(prefix + name)) is not None:
                setattr(self, name, torch.empty_like(given, device=self.rows.device))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


class NearestNeighboursOptions(Protocol):
    """What an architecture's options say of its nearest neighbours.

    Attributes:
        neighbours: Numbers of neighbours to choose from.
        balanced: Whether votes are weighed by the inverse frequency of their label in train.
        batch_size: Clips that are held at once.
    """

    @property
    def neighbours(self) -> Sequence[int]: ...  # noqa: D102 - above

    @property
    def balanced(self) -> bool: ...  # noqa: D102

    @property
    def batch_size(self) -> int: ...  # noqa: D102


@torch.no_grad()
def fit_nearest_neighbours(
    classifier: Classifier,
    train: Clips,
    dev: Clips,
    options: NearestNeighboursOptions,
    seed: int,  # noqa: ARG001 - the contract
) -> None:
    """Standardise a network's embeddings on train and choose the number of neighbours on dev.

    It is an ``Architecture.fit``; what it asks of the network is what ``fit_linear_model`` asks. The head is a
    ``NearestNeighboursHead``. Of equally good numbers, the smallest is taken.

    Raises:
        TrainingError: All training clips have one label, there are more of them than a head holds, or features are not
            finite.
    """
    check_labels(train.targets)
    if len(train) > MOST_ROWS:
        raise TrainingError(
            f"nearest neighbours hold at most {MOST_ROWS} training clips, there are {len(train)}; set training.limit"
        )
    network, head = _parts(classifier.eval())
    compute = embedding_pass(classifier)
    rows, dev_rows = (compute_rows(clips, compute, options.batch_size) for clips in (train, dev))
    scaler = standardiser(rows.values)
    network.mean.copy_(torch.from_numpy(scaler.mean_))
    network.scale.copy_(torch.from_numpy(scaler.scale_))
    own, asked = (torch.from_numpy(scaler.transform(given.values)).to(network.mean) for given in (rows, dev_rows))
    targets, classes = train.targets.cpu(), len(train.labels)
    votes = nn.functional.one_hot(targets, classes).float()
    if options.balanced:
        votes = votes * balanced_weights(targets, classes)
    scores: dict[int, float] = {}
    for number in sorted({min(number, len(own) - 1) for number in options.neighbours}):
        head.set(own, votes, number)
        predicted = torch.cat([head(asked[i : i + 64]) for i in range(0, len(asked), 64)]).softmax(-1)
        scores[number] = dev.selects.rank(dev.selects.dev_score(dev_rows.targets, predicted.numpy(), dev.labels))
    head.set(own, votes, max(scores, key=lambda number: scores[number]))


def _parts(classifier: Classifier) -> tuple[Any, Any]:
    return classifier.network, classifier.heads.active
