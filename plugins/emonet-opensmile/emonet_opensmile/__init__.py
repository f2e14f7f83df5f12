"""openSMILE's functionals with a support vector machine, of values with ridge regression: ``egemaps``, ``compare``.

openSMILE is licensed for private, research and educational use; commercial use needs a licence of audEERING.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from emonet_bench import hookimpl
from emonet_bench.config import Options, option
from emonet_bench.types import Architecture, InputSpec, TargetKind

if TYPE_CHECKING:
    from emonet_bench.data.dataset import Clips
    from emonet_bench.networks import Classifier
    from emonet_opensmile.network import SmileNetwork

EGEMAPS = """@article{eyben2016geneva,
  title = {The Geneva Minimalistic Acoustic Parameter Set ({GeMAPS}) for Voice Research and Affective Computing},
  author = {Eyben, Florian and Scherer, Klaus R. and Schuller, Bj{\\"o}rn W. and others},
  journal = {IEEE Transactions on Affective Computing},
  volume = {7}, number = {2}, pages = {190--202}, year = {2016}
}"""
COMPARE = """@inproceedings{schuller2016interspeech,
  title = {The {INTERSPEECH} 2016 Computational Paralinguistics Challenge: Deception, Sincerity \\& Native Language},
  author = {Schuller, Bj{\\"o}rn and Steidl, Stefan and Batliner, Anton and others},
  booktitle = {Proceedings of Interspeech}, year = {2016}
}"""


class SmileOptions(Options):
    """Options of ``egemaps`` and ``compare``."""

    c_grid: tuple[float, ...] = option(
        (1e-5, 1e-4, 1e-3, 1e-2), "Costs C of a mistake to choose from by UAR on dev.", min_length=1
    )
    balanced: bool = option(default=True, description="Weigh classes by their inverse frequency in train.")
    batch_size: int = option(8, "Clips that are held at once while fitting; no number depends on it.", ge=1)


@hookimpl
def emonet_architectures() -> Sequence[Architecture]:
    """Offer ``egemaps`` and ``compare``."""
    sets = (("egemaps", "eGeMAPSv02", EGEMAPS), ("compare", "ComParE_2016", COMPARE))
    kinds: tuple[TargetKind, ...] = ("label", "values")
    return [
        Architecture(name, "baseline", SmileOptions, partial(build, functionals), fit, cited, kinds=kinds)
        for name, functionals, cited in sets
    ]


def build(functionals: str, options: SmileOptions, input_spec: InputSpec) -> SmileNetwork:  # noqa: ARG001 - the contract
    """Build the functionals, not yet standardised."""
    from emonet_opensmile.network import SmileNetwork  # noqa: PLC0415 - torch and openSMILE are for real work only

    return SmileNetwork(functionals, input_spec.sampling_rate)


def fit(classifier: Classifier, train: Clips, dev: Clips, options: SmileOptions, seed: int) -> Mapping[str, str]:
    """Fit a linear support vector machine, of values ridge regression; tells which C was chosen."""
    from emonet_bench.training.linear_models import fit_linear_model  # noqa: PLC0415 - as above

    kind: Literal["svm", "ridge"] = "svm" if train.kind == "label" else "ridge"
    return fit_linear_model(classifier, train, dev, options, seed, kind=kind).notes
