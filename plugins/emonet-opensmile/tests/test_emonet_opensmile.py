"""The functionals are openSMILE's, and the architectures keep every contract but the export's."""

from __future__ import annotations

import json

import numpy as np
import opensmile
import pytest
import torch
from safetensors.torch import load_file

from emonet_bench import run_matrix
from emonet_bench.errors import ExportError
from emonet_bench.export import export
from emonet_bench.networks import build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.testing.architectures import CHECKS, onnx_parity
from emonet_bench.testing.bench import Bench
from emonet_bench.testing.contracts import examine
from emonet_bench.types import InputSpec, TrainingSet

NAMES = {"egemaps": 88, "compare": 6373}
SIGNAL = InputSpec()


@pytest.fixture(scope="module")
def architectures():
    return Plugins(Selection(names=("opensmile",), strict=True)).architectures


def test_the_architecture_keeps_its_contracts(architectures):
    bench = Bench(architectures["egemaps"], architectures["egemaps"].options(), SIGNAL)  # the quick one of the two
    checks = [check for check in CHECKS if check is not onnx_parity]
    broken = [
        f"{finding.contract}: {finding.seen}" for finding in examine("architecture", checks, bench) if finding.error
    ]
    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_the_embedding_is_what_opensmile_computes(architectures, name):
    network = architectures[name].build(architectures[name].options(), SIGNAL)
    samples = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    feature_set = {"egemaps": opensmile.FeatureSet.eGeMAPSv02, "compare": opensmile.FeatureSet.ComParE_2016}[name]
    expected = opensmile.Smile(feature_set).process_signal(samples, 16_000).to_numpy()
    waveform = torch.from_numpy(np.pad(samples, (0, 4_000), constant_values=0.5))[None]
    heard = network.embed(waveform, torch.tensor([16_000]))
    assert heard.shape == (1, NAMES[name])
    np.testing.assert_array_equal(heard.numpy(), np.nan_to_num(expected))


def test_an_export_is_refused_in_one_line(architectures, tmp_path):
    network = architectures["egemaps"].build(architectures["egemaps"].options(), SIGNAL)
    whole = build_classifier(network, [TrainingSet("kit", ("a", "b"), 2)]).eval()
    with pytest.raises(ExportError, match="no tensor program"):
        export(whole, "kit", tmp_path / "model.onnx", SIGNAL, {})


def test_functionals_are_computed_once_for_all_seeds_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_FEATURES_DIR", str(tmp_path / "features"))
    matrix = {
        "corpora": ["synthetic-acted"],
        "architectures": ["egemaps"],
        "seeds": [0, 1],
        "training": {"limit": 4},
    }
    run_matrix(matrix, results=tmp_path / "results")
    (about,) = (tmp_path / "features").glob("*/about.json")
    assert json.loads(about.read_text())["users"] == ["egemaps on synthetic-acted"]
    kept = [load_file(file)["values"] for file in about.parent.glob("*.safetensors")]
    assert {rows.shape[1] for rows in kept} == {NAMES["egemaps"]}
    assert sum(map(len, kept)) == 12  # of three partitions, whatever the seed
