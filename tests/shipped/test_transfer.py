"""The strategies: what moves, what stays, where it starts."""

import copy
from dataclasses import asdict

import numpy as np
import pytest
import torch
from emonet_transfer.options import AdapterOptions, MultiTaskOptions
from emonet_transfer.parts import ConvAdapter, SequenceAdapter
from torch import nn

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError, Skipped
from emonet_bench.networks import build_classifier, install_per_corpus
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing import signals
from emonet_bench.training.checkpoints import Checkpoint, load, rebuild, save
from emonet_bench.training.loop import train
from emonet_bench.types import InputSpec, TrainingSet
from tests.toys import Toy, toy_clips, toy_set

CLIPS = toy_clips()
RECIPE = Training(epochs=2, batch_size=8, window=0.3, sampling_rate=1_000, device="cpu", precision="float32")
OPTIONS = {"adapters": AdapterOptions(), "multi-task": MultiTaskOptions()}


@pytest.fixture(scope="module")
def plugins():
    return Plugins()


@pytest.fixture
def source():
    torch.manual_seed(7)
    whole = build_classifier(Toy(), [toy_set(CLIPS, "elsewhere")])
    for _ in range(3):
        whole(torch.randn(8, 300), None)  # statistics that are not the initial ones
    return Checkpoint(copy.deepcopy(whole.state_dict()), {"corpora": {"elsewhere": list(CLIPS.labels)}})


def prepare(plugins, name, source, network=None, **options):
    strategy = plugins.strategies[name]
    torch.manual_seed(0)
    return strategy.prepare(network or Toy(), [toy_set(CLIPS)], source, strategy.options(**options))


def trained(plan):
    train(plan, {"toy": CLIPS}, {"toy": CLIPS}, RECIPE, 0)
    return plan


def moved(plan, before):
    now = plan.classifier.state_dict()
    return {name for name in before if not torch.equal(before[name], now[name])}


@pytest.mark.parametrize("name", ["scratch", "finetune", "multi-task"])
def test_everything_is_trained(plugins, source, name):
    plan = prepare(plugins, name, source)
    grouped = {id(parameter) for group in plan.groups for parameter in group.parameters}
    assert grouped == {id(parameter) for parameter in plan.classifier.parameters()}


def test_finetune_starts_from_the_source(plugins, source):
    network = prepare(plugins, "finetune", source).classifier.network
    for name, tensor in source.network().items():
        if not name.endswith(
            "num_batches_tracked"
        ):  # counted anew: the statistics are the target's as soon as it trains
            assert torch.equal(network.state_dict()[name], tensor), name


def test_last_layer_moves_the_head_and_nothing_else(plugins, source):
    plan = prepare(plugins, "last-layer", source)
    before = copy.deepcopy(plan.classifier.state_dict())
    changed = moved(trained(plan), before)
    assert changed
    assert all(name.startswith("heads.") for name in changed)


def test_adapters_leave_the_shared_layers_to_the_last_bit(plugins, source):
    plan = prepare(plugins, "adapters", source)
    before = copy.deepcopy(plan.classifier.state_dict())
    changed = moved(trained(plan), before)
    assert not any(name.startswith("network.dense.") for name in changed)
    for part in ("network.adapter.", "network.norm.", "network.pool.", "heads."):
        assert any(name.startswith(part) for name in changed), part


def test_adapters_start_as_the_sources_function(plugins, source):
    plain = Toy()
    plain.load_state_dict(source.network())
    adapted = prepare(plugins, "adapters", source).classifier.network
    waveform = torch.randn(4, 300)
    assert torch.equal(adapted.eval().embed(waveform, None), plain.eval().embed(waveform, None))


SMALL = {
    "cnn": {"num_mels": 16, "number_of_filters": 2, "number_of_resnet_blocks": 1, "classifier": "rnn"},
    "rnn": {"num_mels": 16, "num_mfccs": 8, "hidden_dim": 6, "use_attention": True},
    "fusion": {"num_mels": 16, "number_of_filters": 2, "number_of_resnet_blocks": 1, "hidden_dim": 6},
}


def small(plugins, name, rate=16_000, **changes):
    """Build a small network, and write the header of a checkpoint of it."""
    architecture, input_spec = plugins.architectures[name], InputSpec(rate)
    options = architecture.options(**{**SMALL[name], **changes})
    header = {
        "architecture": name,
        "architecture_options": options.model_dump(mode="json"),
        "signal": asdict(input_spec),
        "corpora": {"one": CLIPS.labels, "two": CLIPS.labels},
    }
    return architecture.build(options, input_spec), header


def stirred(whole):
    for tensor in whole.state_dict().values():
        if tensor.is_floating_point():
            tensor.add_(torch.rand_like(tensor) / 10)
    return whole


def adapted_source(plugins, name, **options):
    """A multi-task source of a real architecture, with a set of parts for each of two corpora."""
    network, header = small(plugins, name)
    sets = [toy_set(CLIPS, "one"), toy_set(CLIPS, "two")]
    plan = plugins.strategies["multi-task"].prepare(network, sets, None, MultiTaskOptions(**options))
    return Checkpoint(copy.deepcopy(stirred(plan.classifier).state_dict()), header)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", SMALL)
def test_adapters_from_an_adapted_source_leave_its_shared_layers_to_the_last_bit(plugins, name, precision):
    clips = signals.clips(InputSpec(), seed=0, each=2)
    network, _ = small(plugins, name)
    strategy, source = plugins.strategies["adapters"], adapted_source(plugins, name)
    plan = strategy.prepare(network, [toy_set(clips)], source, AdapterOptions())
    assert list(plan.initialisations) == ["adapters at zero", "the set of one", "the set of two"]
    before = copy.deepcopy(plan.classifier.state_dict())
    recipe = Training(epochs=1, batch_size=6, window=0.3, device="cpu", precision=precision)
    train(plan, {"toy": clips}, {"toy": clips}, recipe, 0)
    changed = moved(plan, before)
    assert all(".parts.for_toy." in tensor for tensor in changed)
    assert any(tensor.startswith("network.") for tensor in changed)


HEARD = [
    ("cnn", {"hop": 256}, "options.cnn.hop 512, this network has 256"),
    ("cnn", {"normalise": "utterance"}, "options.cnn.normalise none, this network has utterance"),
    ("rnn", {"features": "logmel"}, "options.rnn.features mfcc, this network has logmel"),
    ("fusion", {"rate": 22_050}, "training.sampling_rate 16000, this network has 22050"),
]


@pytest.mark.parametrize("strategy", ["finetune", "last-layer", "adapters"])
@pytest.mark.parametrize(("name", "changes", "words"), HEARD)
def test_a_source_that_hears_otherwise_is_refused_by_name(plugins, strategy, name, changes, words):
    network, _ = small(plugins, name, **changes)
    with pytest.raises(ConfigError, match=rf"^source: it was trained with {words}; set .* or train the source with"):
        prepare(plugins, strategy, adapted_source(plugins, name), network=network)


def test_a_source_may_have_heard_its_clips_augmented_or_not_tell_what_it_heard(plugins):
    source = adapted_source(plugins, "cnn")
    silent = Checkpoint(source.tensors, {"corpora": source.header["corpora"]})
    augmented = {"time_masks": 2, "freq_masks": 1, "gain": 6.0, "noise": 10.0, "speed": 0.1, "random_noise": 0.5}
    for given, changes in ((source, augmented), (silent, {"hop": 256})):
        network = prepare(plugins, "adapters", given, network=small(plugins, "cnn", **changes)[0]).classifier.network
        assert torch.equal(network.trunk.stem.conv.weight, source.tensors["network.trunk.stem.conv.weight"])


@pytest.fixture
def adapted(plugins):
    """A multi-task source with a set of parts for each of two corpora, all of them moved."""
    sets = [toy_set(CLIPS, "one"), toy_set(CLIPS, "two")]
    torch.manual_seed(3)
    plan = plugins.strategies["multi-task"].prepare(Toy(), sets, None, MultiTaskOptions(adapters=True))
    return stirred(plan.classifier).eval()


def as_source(whole, **corpora):
    corpora = corpora or {"one": CLIPS.labels, "two": CLIPS.labels}
    return Checkpoint(copy.deepcopy(whole.state_dict()), {"corpora": corpora})


@pytest.mark.parametrize("corpus", ["one", "two"])
def test_adapters_of_an_adapted_source_may_start_as_its_function_for_any_of_its_corpora(plugins, adapted, corpus):
    plan = prepare(plugins, "adapters", as_source(adapted))
    whole = plan.classifier.eval()
    whole.load_state_dict({**whole.state_dict(), **plan.initialisations[f"the set of {corpus}"]})
    adapted.select(corpus)
    waveform = torch.randn(4, 300)
    assert torch.equal(whole.network.embed(waveform, None), adapted.network.embed(waveform, None))


def test_adapters_of_an_adapted_source_may_start_at_zero_with_the_mean_of_its_norms(plugins, adapted):
    plan = prepare(plugins, "adapters", as_source(adapted))
    assert list(plan.initialisations) == ["adapters at zero", "the set of one", "the set of two"]
    plain = Toy()
    plain.load_state_dict(
        {
            "dense.weight": adapted.network.dense.weight,
            "dense.bias": adapted.network.dense.bias,
            **mean_of_parts(adapted.network.norm, "norm"),
            **mean_of_parts(adapted.network.pool, "pool"),
        }
    )
    whole = plan.classifier.eval()
    whole.load_state_dict({**whole.state_dict(), **plan.initialisations["the set of two"]})  # tried first
    whole.load_state_dict({**whole.state_dict(), **plan.initialisations["adapters at zero"]})
    waveform = torch.randn(4, 300)
    torch.testing.assert_close(whole.network.embed(waveform, None), plain.eval().embed(waveform, None))


def mean_of_parts(branches, name):
    one, two = (branches.of(corpus).state_dict() for corpus in ("one", "two"))
    return {f"{name}.{key}": (one[key] + two[key]) / 2 for key in one}


def test_a_set_whose_shapes_differ_is_taken_without_its_adapters(plugins, adapted):
    plan = prepare(plugins, "adapters", as_source(adapted), reduction=2)
    assert not any("adapter.parts" in name and "down" in name for name in plan.initialisations["the set of one"])


def test_a_source_without_sets_leaves_no_choice(plugins, source):
    assert prepare(plugins, "adapters", source).initialisations == {}


@pytest.mark.parametrize("rank", [None, 2])
@pytest.mark.parametrize("name", ["finetune", "last-layer"])
def test_other_ways_start_with_the_network_of_any_corpus_of_an_adapted_source(plugins, name, rank):
    def network():
        return small(plugins, "cnn", classifier="statistics")[0]

    sets = [toy_set(CLIPS, "one"), toy_set(CLIPS, "two")]
    multi_task = plugins.strategies["multi-task"].prepare
    joint = stirred(multi_task(network(), sets, None, MultiTaskOptions(rank=rank)).classifier).eval()
    whole = prepare(plugins, name, as_source(joint), network=network())
    waveform = torch.randn(2, 8_000)
    embeddings = []
    for corpus in ("one", "two"):
        whole.classifier.load_state_dict(
            {**whole.classifier.state_dict(), **whole.initialisations[f"the network of {corpus}"]}
        )
        joint.select(corpus)
        embeddings.append(whole.classifier.eval().network.embed(waveform, None))
        torch.testing.assert_close(embeddings[-1], joint.network.embed(waveform, None), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(*embeddings)


def test_a_sequences_adapters_cannot_be_made_part_of_a_layer(plugins, adapted):
    with pytest.raises(Skipped, match="its adapters at adapter cannot be made part of the layer beside them"):
        prepare(plugins, "finetune", as_source(adapted))


def test_an_adapter_of_another_shape_cannot_be_made_part_of_a_layer_either(plugins):
    network, _ = small(plugins, "cnn")
    sets = [toy_set(CLIPS, "one"), toy_set(CLIPS, "two")]

    def wide(point, _):
        return nn.Conv2d(point.inputs, point.outputs, 3, point.stride, padding=1, bias=False)

    install_per_corpus(network, ["one", "two"], {"conv": wide})
    with pytest.raises(Skipped, match=r"its adapters at trunk\.stem\.adapter cannot be made part"):
        prepare(plugins, "finetune", as_source(build_classifier(network, sets)), network=small(plugins, "cnn")[0])


def test_adapters_ask_for_a_multi_task_source_with_adapters_of_their_own_shape(plugins):
    asked = plugins.strategies["adapters"].source_options({"rank": 4, "reduction": 2})
    assert asked == {"rank": 4, "reduction": 2, "adapters": True}
    for name in ("finetune", "last-layer"):
        assert plugins.strategies[name].source_options({}) == {"adapters": False}


def test_without_adapters_their_options_make_no_other_run():
    assert MultiTaskOptions(adapters=False, rank=4, share_feature_layer=True) == MultiTaskOptions(adapters=False)
    with pytest.raises(ValueError, match="unheard_of"):
        MultiTaskOptions(adapters=False, unheard_of=1)


def test_multi_task_shares_all_but_the_heads_where_there_is_no_place_for_adapters(plugins):
    class Bare(Toy):
        def adapter_points(self):
            return {}

    sets = [toy_set(CLIPS, "one"), toy_set(CLIPS, "two")]
    plan = plugins.strategies["multi-task"].prepare(Bare(), sets, None, MultiTaskOptions())
    assert "no adapter points" in plan.notes["adapters"]
    assert {name.split(".")[0] for name in plan.classifier.state_dict() if ".parts." in name} == {"heads"}


def test_a_shared_feature_layer_stays_as_it_is(plugins, source):
    plan = prepare(plugins, "adapters", source, share_feature_layer=True)
    before = copy.deepcopy(plan.classifier.state_dict())
    assert not any(name.startswith("network.pool") for name in moved(trained(plan), before))


def test_individual_weight_decay_is_set_on_adapters_alone(plugins, source):
    plan = prepare(plugins, "adapters", source, individual_weight_decay=True)
    decays = {id(p): group.weight_decay for group in plan.groups for p in group.parameters}
    adapter = plan.classifier.network.adapter.active
    assert decays[id(adapter.down.weight)] == 1e-2  # 40 clips, and twice Keras' L2
    assert decays[id(adapter.down.bias)] == 0.0
    assert decays[id(plan.classifier.heads.active.dense.weight)] is None


def test_individual_weight_decay_of_several_corpora_is_that_of_each_ones_own_size(plugins):
    sets = [TrainingSet("small", CLIPS.labels, 499), TrainingSet("large", CLIPS.labels, 9_999)]
    options = MultiTaskOptions(individual_weight_decay=True)
    plan = plugins.strategies["multi-task"].prepare(Toy(), sets, None, options)
    decays = {id(p): group.weight_decay for group in plan.groups for p in group.parameters}
    found = {name: decays[id(p)] for name, p in plan.classifier.named_parameters() if p.dim() > 1}
    assert {name: decay for name, decay in found.items() if decay is not None} == {
        "network.adapter.parts.for_small.down.weight": 1e-2,
        "network.adapter.parts.for_small.up.weight": 1e-2,
        "network.adapter.parts.for_large.down.weight": 1e-3,
        "network.adapter.parts.for_large.up.weight": 1e-3,
    }


def test_an_architecture_without_points_skips_adapters_with_the_reason(plugins, source):
    class Bare(Toy):
        def adapter_points(self):
            return {}

    with pytest.raises(Skipped, match="no adapter points"):
        prepare(plugins, "adapters", source, network=Bare())


def test_a_source_of_another_shape_is_refused_by_name(plugins, source):
    network = Toy()
    network.pool = nn.Linear(8, 4)
    with pytest.raises(ConfigError, match=r"pool\.weight"):
        prepare(plugins, "finetune", source, network=network)


def test_multi_task_gives_each_corpus_its_own_parts(plugins):
    strategy = plugins.strategies["multi-task"]
    sets = [toy_set(CLIPS, "one"), toy_set(CLIPS, "two")]
    plan = strategy.prepare(Toy(), sets, None, MultiTaskOptions(adapters=True))
    names = [name for name, _ in plan.classifier.named_parameters()]
    for part in ("network.adapter.parts.", "network.norm.parts.", "network.pool.parts.", "heads.parts."):
        assert {name.removeprefix(part).split(".")[0] for name in names if name.startswith(part)} == {
            "for_one",
            "for_two",
        }
    assert sum(name.startswith("network.dense.") for name in names) == 2


def test_a_conv_adapter_is_a_strided_convolution_and_starts_at_zero():
    adapter = ConvAdapter(3, 5, stride=2)
    inputs = torch.randn(2, 3, 8, 7)
    assert adapter(inputs).eq(0).all()
    nn.init.normal_(adapter.weight)
    expected = nn.functional.conv2d(inputs, adapter.weight[:, :, None, None], stride=2)
    torch.testing.assert_close(adapter(inputs), expected)


def test_a_factorised_adapter_has_the_promised_parameters_and_learns():
    adapter = ConvAdapter(8, 16, rank=2)
    assert sum(p.numel() for p in adapter.parameters()) == 2 * (8 + 16)
    adapter(torch.randn(1, 8, 4, 4)).sum().backward()
    assert adapter.up.grad.abs().sum() > 0


def test_a_sequence_adapter_starts_as_a_no_op_and_every_parameter_can_learn():
    adapter = SequenceAdapter(8, reduction=4)
    inputs = torch.randn(2, 5, 8)
    assert torch.equal(adapter(inputs), inputs)
    nn.init.normal_(adapter.up.weight)
    adapter(inputs).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in adapter.parameters())


def test_an_adapted_classifier_comes_back_from_its_checkpoint(plugins, tmp_path):
    network, header = small(plugins, "cnn")
    plan = prepare(plugins, "adapters", adapted_source(plugins, "cnn", rank=2), network=network, rank=2)
    whole = stirred(plan.classifier).eval()
    own = {"strategy": "adapters", "strategy_options": {"rank": 2}, "corpora": {"toy": list(CLIPS.labels)}}
    save(whole, tmp_path / "model.safetensors", {**header, **own})
    again = rebuild(load(tmp_path), plugins).eval()
    assert again.state_dict().keys() == whole.state_dict().keys()
    assert "network.trunk.stem.adapter.parts.for_toy.up" in again.state_dict()
    waveform = torch.randn(2, 8_000)
    assert torch.equal(again(waveform), whole(waveform))


@pytest.mark.parametrize("content", [b"", b"not safetensors at all"])
def test_a_damaged_checkpoint_is_one_clear_line(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ConfigError, match=r"model\.safetensors: not a readable checkpoint"):
        load(tmp_path)


def test_a_sequence_adapter_equals_its_formula_step_by_step():
    torch.manual_seed(3)
    adapter = SequenceAdapter(6, reduction=2).double()
    for parameter in adapter.parameters():
        nn.init.normal_(parameter)
    inputs = torch.randn(2, 4, 6, dtype=torch.float64)
    weight = {name: tensor.detach().numpy() for name, tensor in adapter.named_parameters()}
    found = adapter(inputs).detach().numpy()
    for n in range(2):
        for t in range(4):
            x = inputs[n, t].numpy()
            normed = (x - x.mean()) / np.sqrt(x.var() + adapter.norm.eps) * weight["norm.weight"] + weight["norm.bias"]
            down = [max(0.0, sum(weight["down.weight"][h] * normed) + weight["down.bias"][h]) for h in range(3)]
            up = [sum(weight["up.weight"][d] * down) + weight["up.bias"][d] for d in range(6)]
            assert found[n, t] == pytest.approx(x + up, abs=1e-12)
