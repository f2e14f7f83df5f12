"""Linear models on embeddings, fitted without gradients: support vector machines, logistic and ridge regression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from emonet_bench.data.dataset import Clips
from emonet_bench.errors import TrainingError
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.defaults import UAR
from emonet_bench.networks import Classifier, two_class_logits
from emonet_bench.networks.outputs import on_scales
from emonet_bench.networks.precision import tf32_disabled
from emonet_bench.training.linear_estimators import LinearKind, as_logits, fit_estimator
from emonet_bench.training.losses import check_labels
from emonet_bench.training.prediction import Pass, embedding_pass
from emonet_bench.types import Target

FLAT = 1e-4
"""A feature whose standard deviation over train is smaller is rounding, not speech; it is not blown up to one."""

Array = npt.NDArray[np.float64]


class LinearHead(nn.Module):
    """A linear layer; two classes have one unit z for the second label: logits (N, 2) = [0, z].

    Args:
        dim: Size D of the embedding.
        classes: Number of logits.
        independent: Whether each logit is for itself, as those of label sets and values are: also one or two of them.
    """

    def __init__(self, dim: int, classes: int, *, independent: bool = False) -> None:
        super().__init__()
        self.independent = independent
        self.output = nn.Linear(dim, 1 if classes == 2 and not independent else classes)  # noqa: PLR2004

    def forward(self, embedding: Tensor) -> Tensor:
        """Map embeddings (N, D) to logits (N, classes)."""
        units: Tensor = self.output(embedding)
        return units if self.independent else two_class_logits(units)

    @torch.no_grad()
    def set(self, weight: Tensor, bias: Tensor) -> None:
        """Set weight (classes, D) and bias (classes,) of the logits; of two classes the difference is kept."""
        if len(weight) != self.output.out_features:
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        self.output.weight.copy_(weight)
        self.output.bias.copy_(bias)


class LinearModelOptions(Protocol):
    """What an architecture's options say of its linear model.

    Attributes:
        c_grid: Costs C of a mistake to choose from.
        balanced: Whether classes are weighed by their inverse frequency in train; ridge regression weighs none.
        batch_size: Clips that are held at once.
    """

    @property
    def c_grid(self) -> Sequence[float]: ...  # noqa: D102 - above

    @property
    def balanced(self) -> bool: ...  # noqa: D102

    @property
    def batch_size(self) -> int: ...  # noqa: D102


class Rows(NamedTuple):
    """Features of some clips, with their targets.

    Attributes:
        values: (N, D); or (N, L, D), sets of features to choose from, such as the layers of a backbone.
        targets: (N,) indices into the labels; of other kinds (N, K), see ``data.dataset.Clips``.
        selection: What selects on them, where they are of dev; None: UAR.
        names: The labels or attributes.
        target: What is predicted; None: one of the labels.
        truth: (N, K) what predictions are held against, where that is not ``targets``: values on their scales.
    """

    values: Array
    targets: npt.NDArray[Any]
    selection: MetricChoice | None = None
    names: tuple[str, ...] = ()
    target: Target | None = None
    truth: Array | None = None

    @property
    def selects(self) -> MetricChoice:
        """The metric that selects on them."""
        return self.selection or MetricChoice(UAR)


class LinearModel(NamedTuple):
    """A fitted linear model; the logits of features x (D,) are ``weight @ ((x - mean) / scale) + bias``.

    Attributes:
        place: Which of the L sets of features it takes; 0 where there is one.
        c: Its cost of a mistake.
        dev_score: What it scores on dev by the metric that selects there.
        mean: (D,) of train.
        scale: (D,) standard deviation over train.
        weight: (classes, D).
        bias: (classes,).
        selection: That metric, in words.
    """

    place: int
    c: float
    dev_score: float
    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor
    selection: str = "UAR"

    @property
    def notes(self) -> dict[str, str]:
        """What ``Architecture.fit`` tells of it."""
        return {"C": f"{self.c:g}, of {self.selection} {self.dev_score:.3f} on dev"}


def fit_linear_model(
    classifier: Classifier,
    train: Clips,
    dev: Clips,
    options: LinearModelOptions,
    seed: int,
    *,
    kind: LinearKind = "svm",
) -> LinearModel:
    """Standardise a network's embeddings on train, choose C on dev, and write the model into the head.

    It is an ``Architecture.fit``.

    Args:
        classifier: Its head is a ``LinearHead``. Its network embeds a clip as (features - ``mean``) / ``scale``; these
            two buffers (D,), still zeros and ones, are set here.
        train: Clips to fit the model to.
        dev: Clips to choose C on; of equally good models, the one with the smallest C is taken.
        options: Those of the architecture.
        seed: Of the model.
        kind: Which model.

    Returns:
        What was chosen.

    Raises:
        TrainingError: All training clips have one target, or features are not finite.
    """
    check_labels(train.targets)
    network: Any = classifier.eval().network
    compute = embedding_pass(classifier)
    rows, dev_rows = (compute_rows(clips, compute, options.batch_size) for clips in (train, dev))
    found = choose_linear_model(rows, dev_rows, len(train.labels), options, seed, kind=kind)
    network.mean.copy_(found.mean)
    network.scale.copy_(found.scale)
    head: Any = classifier.heads.active
    head.set(found.weight, found.bias)
    return found


def choose_linear_model(
    train: Rows, dev: Rows, classes: int, options: LinearModelOptions, seed: int, *, kind: LinearKind = "svm"
) -> LinearModel:
    """Fit a linear model for every set of features and every C, and return the best on dev.

    Of equally good ones, that of the first set is taken, then the one with the smallest C. Where there are more
    features than clips, the model is fitted in the space that the training clips span: its weights lie there anyway.

    Args:
        train: What to fit to; features are standardised by its mean and standard deviation.
        dev: What to choose on, the same sets of features.
        classes: Number of labels.
        options: Those of the architecture.
        seed: Of the model.
        kind: ``svm``: linear support vector machines, one label against the rest, squared hinge loss (LIBLINEAR);
            ``logistic``: multinomial logistic regression; ``ridge``: of values, ridge regression to the places of
            attributes on their scales, whose penalty alpha is 1 / (2 C).
    """
    best: LinearModel | None = None
    for place, (rows, dev_rows) in enumerate(zip(_sets(train), _sets(dev), strict=True)):
        scaler = standardiser(rows)
        scaled, dev_scaled = scaler.transform(rows), scaler.transform(dev_rows)
        basis = _row_space(scaled)  # (D, r)
        scaled, dev_scaled = scaled @ basis, dev_scaled @ basis
        for c in sorted(options.c_grid):
            model = fit_estimator(kind, scaled, train.targets, c, seed, balanced=options.balanced)
            score = _score(dev, model, dev_scaled, classes)
            if best is None or dev.selects.rank(score) > dev.selects.rank(best.dev_score):
                mean, scale = torch.from_numpy(scaler.mean_).float(), torch.from_numpy(scaler.scale_).float()
                weight, bias = as_logits(model, np.atleast_2d(model.coef_) @ basis.T, classes)
                best = LinearModel(place, c, score, mean, scale, weight, bias, dev.selects.title)
    assert best is not None  # options hold one C at least
    return best


def _row_space(rows: Array) -> Any:
    """Return an orthonormal basis (D, r) of what rows (N, D) span; where D is not above N, the identity.

    The optimum of an L2-regularised linear model is a combination of its training rows, and its loss knows them by
    their inner products only, which the basis keeps: of 7,168 features of 900 clips, 900 are enough.
    """
    if rows.shape[1] <= rows.shape[0]:
        return np.eye(rows.shape[1])
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    return directions[sizes > sizes[0] * max(rows.shape) * np.finfo(rows.dtype).eps].T


def standardiser(rows: Array) -> Any:
    """Return scikit-learn's ``StandardScaler`` of training rows (N, D); a flat feature keeps its scale.

    Raises:
        TrainingError: A feature is not finite.
    """
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - slow to import

    if not np.isfinite(rows).all():
        raise TrainingError("features are not finite; they cannot be fitted")
    scaler = StandardScaler().fit(rows)
    scaler.scale_[scaler.scale_ < FLAT] = 1.0
    return scaler


@torch.no_grad()
def compute_rows(clips: Clips, compute: Pass, batch_size: int) -> Rows:
    """Compute what a model is fitted to: of the features that are kept, or of all clips, whole.

    Args:
        clips: Which.
        compute: Maps N clips to (N, D) or (N, L, D).
        batch_size: Clips that are held at once.
    """
    values: list[Tensor] = []
    if clips.features is not None:
        for first in range(0, len(clips), batch_size):
            places = range(first, min(first + batch_size, len(clips)))
            values.append(compute.kept(clips.features.gather(places)).cpu())
        found = torch.cat(values)
    else:
        order: list[Tensor] = []
        with tf32_disabled():
            for batch in clips.in_order(batch_size):
                assert batch.lengths is not None  # whole clips carry their lengths
                values.append(compute.heard(batch.waveform, batch.lengths).cpu())
                order.append(batch.index.cpu())
        found = torch.cat(values)[torch.argsort(torch.cat(order))]
    targets, truth = clips.targets.cpu().numpy(), clips.truth().numpy() if clips.kind == "values" else None
    return Rows(found.double().numpy(), targets, clips.selects, clips.labels, clips.target, truth)


def _score(dev: Rows, model: Any, scaled: Array, classes: int) -> float:
    """Score a model on dev: by its probabilities where they are asked for, else by the labels that it predicts."""
    names = dev.names or [str(label) for label in range(classes)]
    if dev.target is not None and dev.target.kind == "values":
        predicted = on_scales(torch.from_numpy(model.predict(scaled).reshape(-1, classes)), dev.target.scales).numpy()
    elif dev.selects.metric.probabilities:
        weight, bias = as_logits(model, model.coef_, classes)
        predicted = (torch.from_numpy(scaled) @ weight.double().T + bias.double()).softmax(-1).numpy()
    else:
        predicted = np.eye(classes)[model.predict(scaled)]
    return dev.selects.dev_score(dev.targets if dev.truth is None else dev.truth, predicted, names)


def _sets(rows: Rows) -> Iterator[Array]:
    """Yield the sets of features (N, D) one by one."""
    values = rows.values if rows.values.ndim == 3 else rows.values[:, None]  # noqa: PLR2004 - (N, L, D)
    return (values[:, place] for place in range(values.shape[1]))
