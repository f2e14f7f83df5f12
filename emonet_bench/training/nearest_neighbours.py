"""Nearest neighbours: a head that holds the training clips' embeddings and votes with those next to a clip's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from emonet_bench.data.dataset import Clips
from emonet_bench.errors import TrainingError
from emonet_bench.networks import Classifier
from emonet_bench.training.linear_models import Rows, compute_rows, standardiser
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


class NearestNeighbours(NamedTuple):
    """Training rows that vote on features x (D,), standardised as ``(x - mean) / scale``.

    Attributes:
        place: Which of the L sets of features they are of; 0 where there is one.
        neighbours: How many are asked.
        dev_score: What they score on dev by the metric that selects there.
        mean: (D,) of train.
        scale: (D,) standard deviation over train.
        rows: (M, D) standardised features of the training clips.
        votes: (M, classes) what each of them votes for.
        selection: That metric, in words.
    """

    place: int
    neighbours: int
    dev_score: float
    mean: Tensor
    scale: Tensor
    rows: Tensor
    votes: Tensor
    selection: str = "UAR"

    @property
    def notes(self) -> dict[str, str]:
        """What ``Architecture.fit`` tells of them."""
        return {"neighbours": f"{self.neighbours}, of {self.selection} {self.dev_score:.3f} on dev"}


def fit_nearest_neighbours(
    classifier: Classifier,
    train: Clips,
    dev: Clips,
    options: NearestNeighboursOptions,
    seed: int,  # noqa: ARG001 - the contract
) -> NearestNeighbours:
    """Standardise a network's embeddings on train and choose the number of neighbours on dev.

    It is an ``Architecture.fit``; what it asks of the network is what ``fit_linear_model`` asks. The head is a
    ``NearestNeighboursHead``. Of equally good numbers, the smallest is taken.

    Returns:
        What was chosen.

    Raises:
        TrainingError: All training clips have one label, there are more of them than a head holds, or features are not
            finite.
    """
    check_labels(train.targets)
    network: Any = classifier.eval().network
    compute = embedding_pass(classifier)
    rows, dev_rows = (compute_rows(clips, compute, options.batch_size) for clips in (train, dev))
    found = choose_nearest_neighbours(rows, dev_rows, len(train.labels), options)
    network.mean.copy_(found.mean)
    network.scale.copy_(found.scale)
    head: Any = classifier.heads.active
    head.set(found.rows, found.votes, found.neighbours)
    return found


@torch.no_grad()
def choose_nearest_neighbours(
    train: Rows, dev: Rows, classes: int, options: NearestNeighboursOptions
) -> NearestNeighbours:
    """Try every set of features with every number of neighbours, and return the best on dev.

    Of equally good ones, that of the first set is taken, then the smallest number.

    Args:
        train: The clips that vote; features are standardised by its mean and standard deviation.
        dev: What to choose on, the same sets of features.
        classes: Number of labels.
        options: Those of the architecture.

    Raises:
        TrainingError: There are more training clips than a head holds, or features are not finite.
    """
    if len(train.targets) > MOST_ROWS:
        raise TrainingError(
            f"nearest neighbours hold at most {MOST_ROWS} training clips, there are {len(train.targets)}; set "
            "training.limit"
        )
    targets = torch.from_numpy(train.targets)
    votes = nn.functional.one_hot(targets, classes).float()
    if options.balanced:
        votes = votes * balanced_weights(targets, classes)
    numbers = sorted({min(number, len(targets) - 1) for number in options.neighbours})
    best: NearestNeighbours | None = None
    for place, (values, dev_values) in enumerate(zip(train.sets(), dev.sets(), strict=True)):
        scaler = standardiser(values)
        rows, asked = (torch.from_numpy(scaler.transform(given)).float() for given in (values, dev_values))
        mean, scale = torch.from_numpy(scaler.mean_).float(), torch.from_numpy(scaler.scale_).float()
        head = NearestNeighboursHead(rows.shape[1], classes)
        for number in numbers:
            head.set(rows, votes, number)
            predicted = torch.cat([head(some) for some in torch.split(asked, 64)]).softmax(-1).numpy()
            score = dev.selects.dev_score(dev.targets, predicted, dev.label_names(classes))
            if best is None or dev.selects.rank(score) > dev.selects.rank(best.dev_score):
                best = NearestNeighbours(place, number, score, mean, scale, rows, votes, dev.selects.title)
    assert best is not None  # options hold one number at least
    return best
