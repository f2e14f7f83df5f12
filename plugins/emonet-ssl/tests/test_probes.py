"""Probes: scikit-learn's own machine, on the layer and with the cost that are best on dev."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from test_backbones import clips as waves
from test_backbones import padded

from emonet_bench.config import parse
from emonet_bench.errors import Skipped, TrainingError
from emonet_bench.export import export
from emonet_bench.networks import build_classifier
from emonet_bench.testing.signals import LABELS, clips
from emonet_bench.training.linear_models import FLAT
from emonet_bench.types import InputSpec, TrainingSet

CORPORA = [TrainingSet("toys", LABELS, 18)]
GRID = (1e-3, 1e-1)
KINDS = {
    "svm": lambda c: LinearSVC(C=c, class_weight="balanced", random_state=3),
    "logistic": lambda c: LogisticRegression(C=c, class_weight="balanced", max_iter=1000),
}


@pytest.mark.parametrize(("family", "probe"), [("whisper", "svm"), ("hubert", "logistic"), ("wavlm", "svm")])
def test_a_probe_keeps_its_contracts(family, probe, plugins, checkpoint, check_architecture):
    given = {"checkpoint": checkpoint(family), "probe": probe, "c_grid": (1e-4, 1e-3)}  # noise is far from any clip
    check_architecture(plugins.architectures[f"{family}-probe"], given)


@pytest.fixture
def fitted(plugins, checkpoint, built):
    """Fit a probe to the kit's noises."""

    def of(family, train, dev, **options):
        chosen = plugins.architectures[f"{family}-probe"]
        network = built(f"{family}-probe", **options)
        whole = build_classifier(network, CORPORA)
        given = parse(chosen.options, {"checkpoint": checkpoint(family), **options}, "probe")
        chosen.fit(whole, train, dev, given, 3)
        return whole.eval()

    return of


@torch.no_grad()
def rows(network, chosen):
    network.eval()
    batch = chosen.whole(torch.arange(len(chosen)))
    return network.embed(batch.waveform, batch.lengths).numpy()


@pytest.mark.parametrize("normalise", ["none", "utterance"])
@pytest.mark.parametrize(("family", "probe"), [("whisper", "svm"), ("hubert", "logistic")])
def test_layer_and_cost_are_those_that_scikit_learn_finds_best_on_dev(family, probe, normalise, fitted, built):
    input_spec = InputSpec()
    train, dev, test = (clips(input_spec, seed) for seed in (4, 5, 6))
    best = (-1.0,)
    for layer in range(3):
        network = built(family, layer=layer, pooling="statistics", normalise=normalise)
        scaler = StandardScaler().fit(rows(network, train))
        scaler.scale_[scaler.scale_ < FLAT] = 1  # noise makes flat features
        for c in GRID:
            machine = KINDS[probe](c).fit(scaler.transform(rows(network, train)), train.targets.numpy())
            predicted = machine.predict(scaler.transform(rows(network, dev)))
            score = recall_score(dev.targets.numpy(), predicted, average="macro")
            if score > best[0]:
                best = (score, layer, machine.decision_function(scaler.transform(rows(network, test))))
    whole = fitted(family, train, dev, probe=probe, normalise=normalise, c_grid=GRID)
    assert whole.network.states == (best[1],)
    with torch.no_grad():
        logits = whole.heads(torch.from_numpy(rows(whole.network, test)))
    np.testing.assert_allclose(logits.numpy(), best[2], atol=2e-3)


@pytest.mark.parametrize("family", ["whisper", "wavlm"])
def test_the_chosen_layer_is_restored_stored_and_exported_without_those_above(family, fitted, built, tmp_path):
    train, dev = clips(InputSpec(), 0), clips(InputSpec(), 1)
    low = fitted(family, train, dev, layers=[1], c_grid=GRID)
    tensors = low.state_dict()
    assert not [name for name in tensors if name.startswith("network.backbone.layers.1.")]
    assert [name for name in tensors if name.startswith("network.backbone.layers.0.")]
    fresh = build_classifier(built(f"{family}-probe"), CORPORA)
    fresh.load_state_dict(tensors)
    assert fresh.state_dict().keys() == tensors.keys()
    assert torch.equal(low.network.embed(*padded(waves())), fresh.eval().network.embed(*padded(waves())))
    assert export(low, "toys", tmp_path / "probe.onnx", InputSpec(), {}).max_delta <= 1e-4

    high = fitted(family, train, dev, layers=[2], c_grid=GRID)
    fresh.load_state_dict(high.state_dict())  # it has dropped that layer meanwhile
    assert torch.equal(high.network.embed(*padded(waves())), fresh.eval().network.embed(*padded(waves())))


def test_the_rows_of_all_candidates_serve_before_and_after_the_fit(fitted, built):
    before = built("whisper-probe", layers=[0, 2]).eval()
    features = before.frozen(*padded(waves()))
    assert features.values.shape == (2, 2, 32)
    assert features.lengths is None
    assert before.frozen_id() != built("whisper-probe").eval().frozen_id()
    assert built("whisper", pooling="statistics").frozen_id() == built("whisper-probe").frozen_id()
    train, dev = clips(InputSpec(), 0), clips(InputSpec(), 1)
    whole = fitted("whisper", train, dev, layers=[0, 2], c_grid=GRID)
    direct = whole.network.embed(*padded(waves()))
    torch.testing.assert_close(whole.network.embed_frozen(features), direct, rtol=0, atol=1e-5)
    own = whole.network.frozen(*padded(waves()))
    torch.testing.assert_close(whole.network.embed_frozen(own), direct, rtol=0, atol=1e-5)


def test_one_label_in_train_is_one_line(fitted):
    train = clips(InputSpec(), 0)
    train = train.select(torch.nonzero(train.targets == 1)[:, 0])
    with pytest.raises(TrainingError, match="all training clips have one label"):
        fitted("whisper", train, train)


def test_a_strategy_that_trains_is_skipped(built, plugins):
    chosen = plugins.strategies["lora"]
    with pytest.raises(Skipped, match="lora adapts pre-trained backbones"):
        chosen.prepare(built("whisper-probe"), CORPORA, None, chosen.options())


def test_all_layers_side_by_side_are_one_row_and_export_alike(fitted, tmp_path):
    whole = fitted("whisper", *(clips(InputSpec(), seed) for seed in (4, 5)), combine="concatenate")
    network = whole.network
    assert network.dim == len(network.candidates) * network.backbone.width * 2
    waveform = clips(InputSpec(), 6).whole(torch.arange(2))
    rows = network.normalised(network.frozen(waveform.waveform, waveform.lengths).values).flatten(1)
    expected = (rows - network.mean) / network.scale
    assert torch.allclose(network.embed(waveform.waveform, waveform.lengths), expected, atol=1e-5)
