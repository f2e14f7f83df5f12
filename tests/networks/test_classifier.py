"""The classifier: branches that switch together, heads of its own kind; and the centre crop."""

import copy

import pytest
import torch
from torch import nn

from emonet_bench.networks import build_classifier, centre_crop, install_per_corpus
from emonet_bench.types import InputSpec, TrainingSet
from tests.toys import Toy


def test_selecting_a_corpus_switches_every_branch():
    corpora = [TrainingSet("one", ("a", "b"), 4), TrainingSet("two", ("a", "b", "c"), 4)]
    network = Toy()
    install_per_corpus(network, ["one", "two"], {"norm": lambda _, present: copy.deepcopy(present)})
    whole = build_classifier(network, corpora).eval()
    waveform = torch.randn(2, 50)
    assert whole(waveform, None).shape == (2, 2)
    whole.select("two")
    assert whole(waveform, None).shape == (2, 3)
    assert network.norm.active is network.norm.of("two")


def test_an_architectures_own_head_is_taken():
    class Own(Toy):
        def make_head(self, classes):
            return nn.Linear(8, classes)

    whole = build_classifier(Own(), [TrainingSet("one", ("a", "b"), 4)])
    assert isinstance(whole.heads.active, nn.Linear)


@pytest.mark.parametrize(("length", "expected"), [(10, range(3, 7)), (11, range(3, 7)), (4, range(4)), (2, range(2))])
def test_the_centre_crop_is_centred_and_short_clips_are_padded(length, expected):
    waveform = torch.arange(12.0).expand(1, 12)
    cropped, kept = centre_crop(waveform, torch.tensor([length]), InputSpec(16_000, window=4))
    assert cropped[0, : int(kept)].tolist() == [float(i) for i in expected]
    assert cropped[0, int(kept) :].eq(0).all()
    assert cropped.shape == (1, 4)
