"""The bench of architectures: what is built on it, and what it lets them hear."""

import pytest
import torch
from torch import nn

from emonet_bench.config import Options
from emonet_bench.testing.bench import Bench
from emonet_bench.testing.networks import PLAIN
from emonet_bench.testing.signals import LABELS
from emonet_bench.types import Architecture, InputSpec

SIGNAL = InputSpec(sampling_rate=1_000)
WINDOW = InputSpec(sampling_rate=1_000, window=400)


def bench(input_spec=SIGNAL, architecture=PLAIN):
    return Bench(architecture, Options(), input_spec)


def same(one, other):
    return all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())


def test_a_seed_decides_the_weights_of_a_classifier():
    made = bench().classifier(seed=3)
    assert not made.training
    assert same(made, bench().classifier(seed=3))
    assert not same(made, bench().classifier(seed=4))
    assert bench().classifier(labels=("a", "b")).heads(torch.ones(1, made.network.dim)).shape == (1, 2)


def test_an_architecture_that_is_fitted_is_fitted_with_clips_of_two_seeds_and_left_unstirred():
    given = []

    def fit(classifier, train, dev, options, seed):
        given.append((train, dev, seed))
        nn.init.ones_(classifier.network.dense.weight)

    fitted = Architecture("fitted", "toy", Options, PLAIN.build, fit=fit)
    made = bench(architecture=fitted).stirred()
    ((train, dev, seed),) = given
    assert seed == 0
    assert train.labels == dev.labels == LABELS
    assert not torch.equal(train.lengths, dev.lengths)
    assert (made.network.dense.weight == 1).all()


def test_stirred_weights_are_the_same_every_time_and_not_those_of_the_start():
    assert same(bench().stirred(), bench().stirred())
    assert not same(bench().stirred(), bench().classifier())


def test_clips_are_heard_whole_or_cut_to_the_window():
    whole, lengths = bench().hear([700, 300], padding=50)
    assert (tuple(whole.shape), lengths.tolist()) == ((2, 750), [700, 300])
    cut, lengths = bench(WINDOW).hear([700, 300], padding=50)
    assert cut.shape == (2, 400)
    assert lengths is None or lengths.max() <= 400


@pytest.mark.parametrize(("input_spec", "size"), [(SIGNAL, 1_000), (WINDOW, 400)])
def test_full_rows_are_two_different_clips_without_padding(input_spec, size):
    waveform, lengths = bench(input_spec).full()
    assert (tuple(waveform.shape), lengths) == ((2, size), None)
    assert not torch.equal(*waveform)
    assert waveform.abs().max() < 1, "nothing of the loud noise behind a clip"


def test_batches_begin_with_a_single_sample_and_grow():
    batches = list(bench().batches())
    assert batches[0] == [1]
    assert [len(batch) for batch in batches] == sorted(len(batch) for batch in batches)
    assert len({len(batch) for batch in batches}) == len(batches)


def test_the_kinds_of_an_architecture_are_those_that_it_takes_and_the_first_is_tried():
    assert bench().kinds == ("label", "votes", "label-set", "values")
    told = []

    def fit(classifier, train, dev, options, seed):
        told.append((train.kind, dev.kind, classifier.eval().heads(torch.ones(1, 6)).shape))

    fitted = Architecture("fitted", "toy", Options, PLAIN.build, fit=fit, kinds=("values",))
    bench(architecture=fitted).classifier()
    assert bench(architecture=fitted).kinds == ("values",)
    assert told == [("values", "values", (1, 3))]
