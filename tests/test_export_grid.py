"""Every built-in network passes the export gate, with each of its options that changes the graph, before and after adapting."""

import onnx
import pytest
import torch
from torch import nn

from emonet_bench.export import export
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import InputSpec, TrainingSet

CNN = {"number_of_filters": 4, "number_of_resnet_blocks": 1}
RNN = {"hidden_dim": 8, "number_of_layers": 2}
QUICK = [
    ("cnn", {**CNN, "classifier": "statistics"}),
    ("fusion", {**CNN, **RNN}),
    ("rnn", {**RNN, "use_attention": True}),
]
SLOW = [
    ("cnn", CNN),
    *(("cnn", {**CNN, "classifier": classifier}) for classifier in ("FCNAttention", "rnn")),
    ("cnn", {**CNN, "classifier": "FCNAttention", "input_bn": True, "widen_factor": 2, "number_of_resnet_blocks": 2}),
    ("fusion", {**CNN, **RNN, "use_attention": True, "input_bn": True}),
    ("rnn", {**RNN, "cell_type": "gru", "bidirectional": True}),
    ("rnn", {**RNN, "input_projection": True, "input_bn": True, "use_attention": True, "share_attention": True}),
    ("rnn", {**RNN, "features": "logmel", "down_pool": 1}),
    *((name, {**sizes, "normalise": "utterance", "triangles": "mel"}) for name, sizes in (("cnn", CNN), ("rnn", RNN))),
]
ADAPTERS = [{"rank": 2}, {"share_feature_layer": True}]
CORPORA = [TrainingSet("ours", ("anger", "joy", "sadness"), 100), TrainingSet("theirs", ("calm", "cross"), 100)]


@pytest.fixture(scope="module")
def plugins():
    return Plugins()


def prepared(plugins, architecture, options, strategy, input_spec, adapters):
    """A classifier whose every part is far from its start, as training leaves it."""
    torch.manual_seed(0)
    chosen, way = plugins.architectures[architecture], plugins.strategies[strategy]
    network = chosen.build(chosen.options(**options), input_spec)
    extra = {} if strategy == "scratch" else adapters
    plan = way.prepare(network, CORPORA if way.multi_corpus else CORPORA[:1], None, way.options(**extra))
    with torch.no_grad():
        for parameter in plan.classifier.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
        for module in plan.classifier.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
    return plan.classifier


def exported(plugins, tmp_path, architecture, options, adapters=None):
    """Nodes and bytes of weights of the file from each strategy; a file that the gate refuses raises."""
    fixed = architecture == "cnn" and "classifier" not in options
    input_spec = InputSpec(16_000, 48_000 if fixed else None)
    sizes = {}
    for strategy in ("scratch", "adapters", "multi-task"):
        file = tmp_path / f"{strategy}.onnx"
        trained = prepared(plugins, architecture, options, strategy, input_spec, adapters or {})
        parity = export(trained, "ours", file, input_spec, {})
        weights = sum(len(one.raw_data) for one in onnx.load(file).graph.initializer)
        sizes[strategy] = (parity.node_count, weights)
    return sizes


@pytest.mark.parametrize(("architecture", "options"), QUICK)
def test_every_architecture_exports_whatever_the_strategy(plugins, tmp_path, architecture, options):
    sizes = exported(plugins, tmp_path, architecture, options)
    if architecture == "cnn":  # all of its adapters fold
        assert len(set(sizes.values())) == 1
    else:
        assert sizes["adapters"] > sizes["scratch"]


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "options"), SLOW)
def test_every_option_exports_whatever_the_strategy(plugins, tmp_path, architecture, options):
    sizes = exported(plugins, tmp_path, architecture, options)
    if architecture == "cnn":
        assert len(set(sizes.values())) == 1
    else:
        assert sizes["adapters"] > sizes["scratch"]


@pytest.mark.slow
@pytest.mark.parametrize("adapters", ADAPTERS, ids=str)
@pytest.mark.parametrize(("architecture", "options"), [("cnn", {**CNN, "classifier": "rnn"}), ("rnn", RNN)])
def test_every_kind_of_adapter_exports(plugins, tmp_path, architecture, options, adapters):
    sizes = exported(plugins, tmp_path, architecture, options, adapters)
    assert (len(set(sizes.values())) == 1) == (architecture == "cnn")
