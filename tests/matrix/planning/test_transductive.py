"""What would carry a network across the border of a transductive protocol is left out, and says why."""

import pytest

from emonet_bench.config import Training
from emonet_bench.matrix.planning.transductive import untransferable
from emonet_bench.runs.spec import RunSpec


def spec(protocol, source):
    return RunSpec(
        corpus="emodb",
        protocol=protocol,
        architecture="svm",
        architecture_options={},
        strategy="scratch",
        strategy_options={},
        training=Training(),
        seed=0,
        source=source,
    )


@pytest.mark.parametrize(
    ("protocol", "source", "left_out"),
    [
        ("folds5", "0" * 16, False),
        ("folds5@speaker-normalised", None, False),
        ("folds5@speaker-normalised", "0" * 16, True),
        ("folds5@speaker-normalised:4-class", "0" * 16, True),
    ],
)
def test_only_what_starts_from_nothing_goes_with_normalised_speakers(protocol, source, left_out):
    assert bool(untransferable(spec(protocol, source))) == left_out
