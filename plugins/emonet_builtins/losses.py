"""Cross-entropy, for labels and votes; the focal and the ordinal loss, for labels."""

from __future__ import annotations

from functools import partial
from typing import Any

from emonet_bench.config import Options, option
from emonet_bench.types import Loss, TargetSummary

FOCAL = r"""@inproceedings{lin2017focal,
  title = {Focal Loss for Dense Object Detection},
  author = {Lin, Tsung-Yi and Goyal, Priya and Girshick, Ross and He, Kaiming and Doll{\'a}r, Piotr},
  booktitle = {Proc. ICCV},
  year = {2017}
}"""
ORDINAL = r"""@inproceedings{diaz2019soft,
  title = {Soft Labels for Ordinal Regression},
  author = {D{\'i}az, Ra{\'u}l and Marathe, Amit},
  booktitle = {Proc. CVPR},
  year = {2019}
}"""


class FocalOptions(Options):
    """Options of the focal loss."""

    gamma: float = option(2.0, "How much less a clip counts the surer the network is of its label.", ge=0)
    alpha: float = option(0.25, "Factor on the loss.", gt=0)


def build_crossentropy(_: Options, summary: TargetSummary) -> Any:
    """Build the cross-entropy with the recipe's label smoothing."""
    from emonet_bench.training.losses import crossentropy  # noqa: PLC0415 - torch

    return partial(crossentropy, label_smoothing=summary.label_smoothing)


def build_focal(options: FocalOptions, _: TargetSummary) -> Any:
    """Build the focal loss."""
    from emonet_bench.training.losses import focal  # noqa: PLC0415 - torch

    return partial(focal, gamma=options.gamma, alpha=options.alpha)


def build_ordinal(_: Options, __: TargetSummary) -> Any:
    """Build the ordinal loss."""
    from emonet_bench.training.losses import ordinal  # noqa: PLC0415 - torch

    return ordinal


LOSSES = (
    Loss("crossentropy", Options, build_crossentropy, ("label", "votes")),
    Loss("focal", FocalOptions, build_focal, citation=FOCAL),
    Loss("ordinal", Options, build_ordinal, ordered=True, citation=ORDINAL),
)
