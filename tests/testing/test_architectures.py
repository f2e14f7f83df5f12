"""The kit for architectures: every registered one keeps its contracts, and planted faults are found."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from pydantic import BaseModel
from torch import nn

from emonet_bench.config import option
from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.spectrogram import LogMel
from emonet_bench.networks import MaskedBatchNorm
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.architectures import adapter_points, check_architecture, padding, statistics
from emonet_bench.testing.bench import Bench
from emonet_bench.testing.contracts import PAGE, BrokenError
from emonet_bench.types import AdapterPoint, Architecture, InputSpec

SPECTRUM = {"num_mels": 16}
RECURRENT = {"hidden_dim": 6}
SMALL = {
    "chance": {},
    "cnn": {**SPECTRUM, "number_of_filters": 2, "number_of_resnet_blocks": 1, "classifier": "FCNAttention"},
    "fusion": {**SPECTRUM, **RECURRENT, "number_of_filters": 2, "number_of_resnet_blocks": 1},
    "knn": {**SPECTRUM, "num_mfccs": 8, "neighbours": (3,)},
    "logistic": {**SPECTRUM, "num_mfccs": 8},
    "ridge": {**SPECTRUM, "num_mfccs": 8},
    "rnn": {**SPECTRUM, **RECURRENT, "num_mfccs": 8},
    "svm": {**SPECTRUM, "num_mfccs": 8},
}


def grid(**axes):
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def in_threes(**axes):
    """Return few of a grid's combinations, such that each combination of the values of any three axes is among them."""

    def threes(one):
        return set(itertools.combinations(one.items(), 3))

    every, chosen = grid(**axes), []
    left = set().union(*map(threes, every))
    while left:
        chosen.append(max(every, key=lambda one: len(left & threes(one))))
        left -= threes(chosen[-1])
    return chosen


def words(value):
    return value if isinstance(value, str) else "-".join(map(str, value.values()))


@pytest.mark.parametrize("name", Plugins().architectures)
def test_every_registered_architecture_keeps_its_contracts(name):
    assert name in SMALL, "give the new architecture small options here"
    check_architecture(name, SMALL[name])


# Of each kind of network the one with the most parts.
CHOSEN = [
    (
        "rnn",
        {"cell_type": "gru", "bidirectional": True, "use_attention": True, "input_projection": True, "input_bn": True},
    ),
    ("cnn", {"classifier": "rnn", "input_bn": True, "num_mels": 15, "number_of_resnet_blocks": 2}),
]
# With those, every value of every option that changes the network; then every three values together.
GRID = [
    ("rnn", {"features": "logmel", "number_of_layers": 1, "down_pool": 1, "normalise": "utterance"}),
    (
        "rnn",
        {"bidirectional": True, "use_attention": True, "share_attention": True, "number_of_layers": 3},
    ),
    ("cnn", {"classifier": "statistics", "widen_factor": 2, "n_fft": 512, "hop": 200, "triangles": "mel"}),
    ("fusion", {"cell_type": "gru", "bidirectional": True, "use_attention": True, "input_bn": True}),
    ("svm", {"features": "mfcc", "normalise": "utterance"}),
    *(
        ("rnn", {**options, "number_of_layers": 3})
        for options in in_threes(
            features=["mfcc", "logmel"],
            cell_type=["lstm", "gru"],
            bidirectional=[False, True],
            use_attention=[False, True],
            input_projection=[False, True],
            input_bn=[False, True],
        )
    ),
    *(
        ("cnn", {**options, "number_of_resnet_blocks": 2})
        for options in in_threes(
            classifier=["FCNAttention", "rnn", "statistics"],
            input_bn=[False, True],
            num_mels=[15, 16],
            widen_factor=[1, 2],
        )
    ),
    *(
        ("fusion", options)
        for options in in_threes(
            cell_type=["lstm", "gru"], bidirectional=[False, True], use_attention=[False, True], input_bn=[False, True]
        )
    ),
]


@pytest.mark.parametrize(("name", "options"), CHOSEN, ids=words)
def test_architectures_keep_their_contracts_with_other_options(name, options):
    check_architecture(name, {**SMALL[name], **options})


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), GRID, ids=words)
def test_architectures_keep_their_contracts_with_any_three_options_together(name, options):
    check_architecture(name, {**SMALL[name], **options})


@pytest.mark.parametrize(("name", "options"), [("rnn", {}), ("cnn", {"classifier": "avgpool"})], ids=words)
def test_a_network_keeps_its_contracts_in_a_window(name, options):
    check_architecture(name, {**SMALL[name], **options}, InputSpec(16_000, window=20_000))


AUGMENTED = {"time_masks": 2, "freq_masks": 2, "gain": 6.0, "noise": 10.0, "random_noise": 0.1}


def test_augmentation_breaks_no_contract():
    check_architecture("rnn", {**SMALL["rnn"], **AUGMENTED})


class ToyOptions(FrontEndOptions):
    pass


class Toy(nn.Module):
    """Keeps all contracts; those below break one each."""

    dim = 5

    def __init__(self, options, input_spec):
        super().__init__()
        self.front_end = LogMel(options, input_spec.sampling_rate)
        self.norm = MaskedBatchNorm(16)
        self.layer = nn.Linear(16, 5)
        self.adapter = None

    def embed(self, waveform, lengths):
        features, mask = self.front_end(waveform, lengths)
        sequence = self.layer(self.norm(features, mask).transpose(1, 2))
        if self.adapter is not None:
            sequence = self.adapter(sequence)
        return self.pool(sequence, mask)

    def pool(self, sequence, mask):
        if mask is None:
            return sequence.mean(1)
        return (mask @ sequence).squeeze(1) / mask.sum(2)

    def adapter_points(self):
        return {"adapter": AdapterPoint("adapter", "sequence", 5, 5), "norm": AdapterPoint("norm", "norm", 16, 16)}


class LeaksPadding(Toy):
    def pool(self, sequence, mask):
        return sequence.mean(1)


class CountsPaddingInTraining(Toy):
    def __init__(self, options, input_spec):
        super().__init__(options, input_spec)
        norm = MaskedBatchNorm(16)
        self.norm = norm
        norm.forward = lambda features, mask: MaskedBatchNorm.forward(norm, features)


class HasADeadParameter(Toy):
    def __init__(self, options, input_spec):
        super().__init__(options, input_spec)
        self.dead = nn.Linear(3, 3)


class HasTheWrongSize(Toy):
    dim = 7

    def make_head(self, classes):
        return nn.Linear(5, classes)


class FailsOnAShortClip(Toy):
    def embed(self, waveform, lengths):
        waveform.unfold(1, 1024, 512)
        return super().embed(waveform, lengths)


class DividesByZero(Toy):
    def embed(self, waveform, lengths):
        return super().embed(waveform, lengths) / 0


class TellsALayerTwice(Toy):
    def ordered_layers(self):
        return [self.norm, self.layer, self.layer]


class TellsWhatIsNotItsOwn(Toy):
    def ordered_layers(self):
        return [self.layer, nn.Linear(2, 2)]


class KeepsWhatItLearntForItself(Toy):
    def __init__(self, options, input_spec):
        super().__init__(options, input_spec)
        self.hidden = torch.randn(5)

    def embed(self, waveform, lengths):
        return super().embed(waveform, lengths) + self.hidden


class DrawsFromNumpy(Toy):
    def __init__(self, options, input_spec):
        super().__init__(options, input_spec)
        with torch.no_grad():
            self.layer.weight.copy_(torch.from_numpy(np.random.default_rng().normal(size=(5, 16))))


class IsRandomInEvaluation(Toy):
    def embed(self, waveform, lengths):
        return super().embed(waveform, lengths) + 0.01 * torch.rand(())


class NamesNoPlace(Toy):
    def adapter_points(self):
        return {"gone": AdapterPoint("layer.gone", "sequence", 5, 5)}


class NamesATakenSlot(Toy):
    def adapter_points(self):
        return {"layer": AdapterPoint("layer", "sequence", 16, 5)}


class NamesAnUnknownKind(Toy):
    def adapter_points(self):
        return {"adapter": AdapterPoint("adapter", "magic", 5, 5)}


class NamesOtherPlacesOnceAdapted(Toy):
    def adapter_points(self):
        points = super().adapter_points()
        return points if self.adapter is None else {"adapter": points["adapter"]}


class CannotNameThemOnceAdapted(Toy):
    def adapter_points(self):
        size = self.norm.num_features
        return {**super().adapter_points(), "norm": AdapterPoint("norm", "norm", size, size)}


class IgnoresItsAdapter(Toy):
    def embed(self, waveform, lengths):
        features, mask = self.front_end(waveform, lengths)
        return self.pool(self.layer(self.norm(features, mask).transpose(1, 2)), mask)


class TakesTheAdapterTwice(Toy):
    def embed(self, waveform, lengths):
        embedding = super().embed(waveform, lengths)
        return embedding if self.adapter is None else embedding + self.adapter(embedding)


class FreezesItsSizes(Toy):
    def pool(self, sequence, mask):
        frames = sequence.detach().numpy().shape[1]  # a Python number for the tracer
        weight = torch.ones(1, 1, frames).to(sequence) if mask is None else mask[:, :, :frames]
        return (weight @ sequence[:, :frames]).squeeze(1) / weight.sum(2)


class AlwaysHasThreeOutputs(Toy):
    def make_head(self, classes, *, independent=False):
        return nn.Linear(self.dim, 3 if independent else classes)


class WritesIntoClips(Toy):
    """Removes the mean of each clip where it lies."""

    def embed(self, waveform, lengths):
        waveform -= waveform.mean(1, keepdim=True)
        return super().embed(waveform, lengths)


FAULTS = {
    WritesIntoClips: ("shapes", "embed wrote into the clips"),
    LeaksPadding: ("padding", "an output"),
    CountsPaddingInTraining: ("statistics", "differed by"),
    HasADeadParameter: ("gradients", "dead.weight had no gradient (2 such parameters)"),
    HasTheWrongSize: ("shapes", "embed gave (1, 5)"),
    FailsOnAShortClip: ("shapes", "RuntimeError"),
    DividesByZero: ("shapes", "not finite"),
    TellsALayerTwice: ("ordered-layers", "layers 1 and 2 of ordered_layers() share a parameter"),
    TellsWhatIsNotItsOwn: ("ordered-layers", "layer 1 of ordered_layers() holds what is no part of the network"),
    KeepsWhatItLearntForItself: ("round-trip", "keep what is learnt"),
    DrawsFromNumpy: ("seeds", "layer.weight differed"),
    IsRandomInEvaluation: ("seeds", "two evaluation passes"),
    NamesNoPlace: ("adapter-points", "AttributeError"),
    NamesATakenSlot: ("adapter-points", "layer is taken"),
    NamesAnUnknownKind: ("adapter-points", "unknown kind 'magic'"),
    NamesOtherPlacesOnceAdapted: ("adapter-points", "adapter_points() changed when parts were installed"),
    CannotNameThemOnceAdapted: ("adapter-points", "no attribute 'num_features'"),
    IgnoresItsAdapter: ("adapter-points", "a part at point 'adapter' changed nothing"),
    TakesTheAdapterTwice: ("adapter-points", "changed an output"),
    FreezesItsSizes: ("onnx-parity", "ExportError"),
    AlwaysHasThreeOutputs: ("kinds", "label-set: predictions of 2 were (3, 3)"),
}


def toy(build, options=ToyOptions):
    return Architecture("toy", "toy", options, build)


def test_a_toy_that_keeps_all_contracts_passes():
    check_architecture(toy(Toy), SPECTRUM)


class HasLargeOutputs(Toy):
    def embed(self, waveform, lengths):
        return 1e8 * super().embed(waveform, lengths)


@pytest.mark.parametrize("held", [padding, statistics, adapter_points])
def test_outputs_may_be_large_for_then_their_rounding_is(held):
    assert held(Bench(toy(HasLargeOutputs), ToyOptions(num_mels=16), InputSpec())) is None  # or it raises BrokenError


def test_padding_that_enters_large_outputs_is_found():
    class LeaksIntoLargeOutputs(HasLargeOutputs, LeaksPadding):
        pass

    with pytest.raises(BrokenError, match="an output with more padding differed"):
        padding(Bench(toy(LeaksIntoLargeOutputs), ToyOptions(num_mels=16), InputSpec()))


class HeadsForLabelsOnly(Toy):
    def make_head(self, classes):
        return nn.Linear(self.dim, classes)


def test_a_network_whose_heads_are_for_labels_only_passes():
    check_architecture(toy(HeadsForLabelsOnly), SPECTRUM)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found_and_explained(fault):
    section, seen = FAULTS[fault]
    with pytest.raises(AssertionError) as caught:
        check_architecture(toy(fault), SPECTRUM)
    message = str(caught.value)
    assert f"written:  {PAGE}#architecture-{section}" in message
    assert seen in message
    assert "architecture 'toy' breaks a contract" in message


class Undocumented(FrontEndOptions):
    width: int = 3


class Clashing(FrontEndOptions):
    width: int = option(3, "Width.", short="-nm")


class Foreign(BaseModel):
    num_mels: int = 16


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        (Undocumented, "Undocumented.width has no description"),
        (Clashing, "Clashing gives -nm to two fields"),
        (Foreign, "not a subclass of emonet_bench.config.Options"),
    ],
)
def test_options_that_cannot_be_explained_are_found(options, seen):
    with pytest.raises(AssertionError, match="architecture-options-documented") as caught:
        check_architecture(toy(Toy, options), {"num_mels": 16})
    assert seen in str(caught.value)


def test_the_kit_leaves_the_global_generator_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    check_architecture("chance")
    assert torch.equal(torch.rand(2), expected)
