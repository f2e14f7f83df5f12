"""The convolutional architecture against naive NumPy, the original network's outputs and onnxruntime."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import onnxruntime
import pytest
import torch
from emonet_cnn import CnnOptions, ResNetOptions, build
from emonet_cnn.keras import read_keras
from emonet_cnn.pooling import AttentionPooling, AveragePooling, StatisticsPooling
from emonet_cnn.resnet import Block, ConvUnit, Trunk
from emonet_transfer.options import MultiTaskOptions
from emonet_transfer.parts import ConvAdapter
from emonet_transfer.strategies import finetune, multi_task

from emonet_bench.errors import ConfigError
from emonet_bench.export.graph import ExportModule, freeze, trace
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import InputSpec, TrainingSet

CLASSIFIERS = ["avgpool", "FCNAttention", "rnn", "statistics"]
SMALL = {"num_mels": 20, "n_fft": 256, "hop": 128, "number_of_filters": 3, "number_of_resnet_blocks": 1}
SIGNAL = InputSpec(window=5_000)


def classifier(classes, *, adapters=False, input_spec=SIGNAL, **options):
    """A classifier of one or more tasks: name to number of labels."""
    torch.manual_seed(0)
    sets = [TrainingSet(task, tuple(map(str, range(count))), 0) for task, count in classes.items()]
    network = build(CnnOptions(**options), input_spec)
    return multi_task(network, sets, None, MultiTaskOptions(adapters=adapters)).classifier


def stirred(module):
    """Give everything that starts as zero or one (adapters, norms, statistics) values of its own."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.rand(tensor.shape, generator=generator).to(tensor.dtype)
            tensor.copy_(0.5 + noise if name.endswith("running_var") else tensor + 0.2 * (noise - 0.5))
    return module.eval()


def clips(lengths, dtype=torch.float64, padding=0):
    generator = torch.Generator().manual_seed(2)
    waveform = torch.full((len(lengths), max(lengths) + padding), 0.9, dtype=dtype)  # rubbish past the ends
    for row, length in enumerate(lengths):
        waveform[row, :length] = 0.1 * torch.randn(length, generator=generator, dtype=dtype)
    return waveform, torch.tensor(lengths)


# A naive reference: one clip, one cell at a time.


def naive_convolution(maps, kernel, stride):
    (_, rows, columns), outputs = maps.shape, kernel.shape[0]
    top = 0 if stride == 2 and rows % 2 == 0 else 1
    padded = np.pad(maps, ((0, 0), (top, 2), (1, 2)))
    result = np.zeros((outputs, -(-rows // stride), -(-columns // stride)))
    for o, i, j in np.ndindex(*result.shape):
        window = padded[:, stride * i : stride * i + 3, stride * j : stride * j + 3]
        result[o, i, j] = np.sum(window * kernel[o])
    return result


def naive_unit(unit, maps):
    stride = unit.conv.stride[0]
    result = naive_convolution(maps, unit.conv.weight.numpy(force=True), stride)
    if unit.adapter is not None:
        weight = unit.adapter.weight.numpy(force=True)
        result += np.einsum("oc,crt->ort", weight, maps[:, ::stride, ::stride])
    norm = unit.norm
    mean, variance, scale, shift = (
        tensor.numpy(force=True)[:, None, None]
        for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return scale * (result - mean) / np.sqrt(variance + 1e-3) + shift


def naive_block(block, maps):
    result = naive_unit(block.second, np.maximum(naive_unit(block.first, maps), 0))
    shortcut = maps
    if block.stride == 2:
        shortcut = np.zeros(result.shape)
        for c, i, j in np.ndindex(len(maps), *result.shape[1:]):
            shortcut[c, i, j] = maps[c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean()
    return np.maximum(result + shortcut, 0)


def naive_attention(attention, maps):
    w, b, u = (
        p.numpy(force=True) for p in (attention.dense.weight, attention.dense.bias, attention.score.weight.squeeze(0))
    )
    positions = [maps[:, i, j] for i, j in np.ndindex(*maps.shape[1:])]
    weights = np.exp([0.3 * u @ np.tanh(w @ x + b) for x in positions])
    return weights / weights.sum(), np.array(positions)


@pytest.mark.parametrize("adapters", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("mels", "frames"), [(6, 7), (5, 8), (1, 1), (2, 3)])
def test_a_residual_block_equals_a_naive_reference_in_a_padded_batch(adapters, stride, mels, frames):
    channels = 3 if stride == 1 else 6
    block = Block(3, channels, mels, stride, ResNetOptions())
    if adapters:
        block.first.adapter = ConvAdapter(3, channels, stride)
        block.second.adapter = ConvAdapter(channels, channels)
    stirred(block.double())
    torch.manual_seed(3)
    maps = torch.randn(2, 3, mels, frames + 5).double()
    mask = torch.ones(2, 1, 1, frames + 5).double()
    mask[1, ..., frames:] = 0
    result, left = block(maps * mask, mask)
    own = -(-frames // stride)
    assert left[1].sum() == own
    np.testing.assert_allclose(result[0].numpy(force=True), naive_block(block, maps[0].numpy()), atol=1e-12)
    expected = naive_block(block, maps[1, :, :, :frames].numpy())
    np.testing.assert_allclose(result[1, :, :, :own].numpy(force=True), expected, atol=1e-12)
    assert not result[1, :, :, own:].any()


@pytest.mark.parametrize("pooling", [AttentionPooling, StatisticsPooling])
def test_attention_pooling_equals_a_naive_reference_in_a_padded_batch(pooling):
    torch.manual_seed(0)
    module = pooling(4).double()
    maps, mask = torch.randn(2, 4, 3, 6).double(), torch.ones(2, 1, 1, 6).double()
    mask[1, ..., 4:] = 0
    result = module(maps, mask).numpy(force=True)
    for row, frames in enumerate([6, 4]):
        weights, positions = naive_attention(module.attention, maps[row, :, :, :frames].numpy())
        expected = weights @ positions
        if pooling is StatisticsPooling:
            expected = np.concatenate([expected, np.sqrt(weights @ (positions - expected) ** 2 + 1e-5)])
        np.testing.assert_allclose(result[row], expected, atol=1e-12)


def test_average_pooling_counts_valid_cells_only():
    torch.manual_seed(0)
    maps, mask = torch.randn(1, 2, 16, 17).double(), torch.ones(1, 1, 1, 17).double()
    mask[..., 11:] = 0
    result = AveragePooling(2, 16, 17)(maps * mask, mask)[0]
    windows = [maps[0, :, 8 * i : 8 * i + 8, 8 * j : min(8 * j + 8, 11)] for i in range(2) for j in range(2)]
    np.testing.assert_allclose(result, torch.cat([window.mean((1, 2)) for window in windows]), atol=1e-12)


def expected_parameters(labels, tasks=1, *, adapters=False, dim=256, attention=True):
    """Count by hand, at EmoNet's defaults: trainable parameters and batch-norm statistics."""
    widths = [1, 32, 64, 64, 64, 64, 128, 128, 128, 128, 256, 256, 256, 256]
    pairs = list(pairwise(widths))
    shared = sum(9 * i * o for i, o in pairs)
    norms = sum(widths[1:]) + 256
    own = 2 * norms + (sum(i * o for i, o in pairs) if adapters else 0) + (256 * 256 + 2 * 256 if attention else 0)
    hidden = dim // 2
    head = dim * hidden + hidden + 2 * hidden + (hidden + 1) * labels
    return shared + tasks * (own + head), 2 * tasks * (norms + hidden)


@pytest.mark.parametrize(
    ("expected", "counted", "made"),
    [
        ((2_814_055, 4_416), {"labels": 7}, {"classifier": "FCNAttention"}),
        ((3_115_143, 4_416), {"labels": 7, "adapters": True}, {"classifier": "FCNAttention", "adapters": True}),
        ((2_847_591, 4_672), {"labels": 7, "dim": 512, "attention": False}, {"classifier": "avgpool"}),
        (
            (13_245_564, 114_816),
            {"labels": 6, "tasks": 26, "adapters": True},
            {"classifier": "FCNAttention", "adapters": True},
        ),
    ],
)
def test_parameters_are_as_many_as_the_originals_and_as_counted_by_hand(expected, counted, made):
    tasks = {f"t{i}": counted["labels"] for i in range(counted.get("tasks", 1))}
    whole = classifier(tasks, input_spec=InputSpec(window=32_000), **made)
    statistics = sum(tensor.numel() for name, tensor in whole.named_buffers() if "running" in name)
    assert (sum(parameter.numel() for parameter in whole.parameters()), statistics) == expected
    assert expected_parameters(**counted) == expected


GOLDEN = ["cnn-fcnattention-plain", "cnn-fcnattention-adapters", "cnn-avgpool-plain", "cnn-fcnattention-inputbn"]


def test_the_originals_weights_are_no_source_for_a_network_that_hears_otherwise(golden_dir):
    source = Plugins().architectures["cnn"].load_external(golden_dir / "cnn-fcnattention-plain.h5")
    options = source.header["architecture_options"]
    network = build(CnnOptions(**{**options, "triangles": "hz"}), SIGNAL)
    with pytest.raises(ConfigError, match=r"options\.cnn\.triangles mel, this network has hz; set .* to mel"):
        finetune(network, [TrainingSet("one", ("a", "b"), 10)], source, None)


@pytest.mark.parametrize(
    "name",
    [f"{name}.npz" for name in GOLDEN] + ["cnn-fcnattention-plain.h5", "cnn-fcnattention-adapters.h5"],
)
@pytest.mark.parametrize("folded", [False, True])
def test_the_originals_weights_give_the_originals_probabilities(name, folded, golden_dir):
    tensors, found = read_keras(golden_dir / name)
    with np.load(golden_dir / f"{name.split('.')[0]}.npz") as golden:
        arrays = dict(golden)
    whole = classifier(
        found["classes"],
        adapters=found["adapters"],
        input_spec=InputSpec(window=arrays["waveform"].shape[1]),
        **found["architecture_options"],
    )
    whole.load_state_dict(tensors)
    for task in found["classes"]:
        whole.eval().select(task)
        network = freeze(whole, task) if folded else whole
        features = torch.from_numpy(arrays["logmel"]).transpose(1, 2)
        with torch.no_grad():
            from_features = network.heads(network.network.embed_features(features, None)).softmax(-1)
            from_waveform = network(torch.from_numpy(arrays["waveform"])) if not folded else None
        expected = arrays[f"probabilities/{task}"]
        if expected.shape[1] == 1:  # the sigmoid unit of two classes
            expected = np.concatenate([1 - expected, expected], 1)
        np.testing.assert_allclose(from_features, expected, atol=1e-5)
        if from_waveform is not None:
            np.testing.assert_allclose(from_waveform.softmax(-1), expected, atol=1e-4)


def test_keras_files_hold_the_same_weights_as_their_arrays(golden_dir):
    for name in GOLDEN[:2]:
        (ours, found), (theirs, same) = (read_keras(golden_dir / f"{name}.{kind}") for kind in ("h5", "npz"))
        assert found == same
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_what_is_no_weights_file_is_explained(tmp_path, monkeypatch):
    damaged, wrong, partial = tmp_path / "damaged.h5", tmp_path / "wrong.npz", tmp_path / "partial.npz"
    damaged.write_bytes(b"not HDF5")
    np.savez(wrong, **{"w/dense/kernel": np.zeros(3)})
    partial_layers = {"w/conv2d/kernel": np.zeros((3, 3, 1, 8)), "w/task_dense/kernel": np.zeros((8, 4))}
    np.savez(partial, **partial_layers)
    for path, message in (
        (damaged, "damaged.h5: cannot be read"),
        (tmp_path / "absent.npz", "absent.npz: cannot be read"),
        (wrong, "wrong.npz: not the weights of EmoNet's cnn"),
        (partial, "partial.npz: task_dense/bias is missing|partial.npz: task/kernel is missing"),
    ):
        with pytest.raises(ConfigError, match=message):
            read_keras(path)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ConfigError, match=r"needs h5py; pip install h5py"):
        read_keras(damaged)


GRID = [
    {"classifier": kind, "num_mels": mels, "input_bn": bool(i % 2), "normalise": ("none", "utterance")[i // 2 % 2]}
    for i, (kind, mels) in enumerate((kind, mels) for kind in CLASSIFIERS for mels in (20, 13, 7))
]


@pytest.mark.parametrize("options", GRID, ids=lambda options: "-".join(map(str, options.values())))
@pytest.mark.parametrize("adapters", [False, True])
def test_a_clip_scores_the_same_alone_and_in_a_padded_batch(options, adapters):
    whole = stirred(classifier({"a": 3}, adapters=adapters, **{**SMALL, **options}))
    lengths = [6_100, 4_999, 1_700, 383, 200, 1]
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        whole = whole.to(dtype)
        waveform, sizes = clips(lengths, dtype)
        with torch.no_grad():
            together = whole(waveform, sizes)
            padded = whole(*clips(lengths, dtype, padding=3_333))
            alone = [whole(waveform[row : row + 1, :length]) for row, length in enumerate(lengths)]
        assert together.std() > 1e-3
        assert (together - padded).abs().max() < tolerance
        assert (together - torch.cat(alone)).abs().max() < tolerance


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_padding_does_not_enter_batch_norm_statistics(kind):
    options = {**SMALL, "classifier": kind, "input_bn": True, "dropout": (0, 0)}
    lengths = [4_000, 2_500, 900, 300]
    seen = []
    for padding in (0, 2_048):
        whole = classifier({"a": 3}, **options).double().train()
        embedding = whole.network.embed(*clips(lengths, padding=padding))
        seen.append([embedding.detach(), *(b for name, b in whole.named_buffers() if "running" in name)])
    for plain, padded in zip(*seen, strict=True):
        assert (plain - padded).abs().max() < 1e-9


@pytest.mark.parametrize("adapters", [False, True])
@pytest.mark.parametrize(("mels", "stride"), [(6, 2), (5, 2), (6, 1)])
def test_a_folded_unit_equals_the_unit(adapters, mels, stride):
    unit = ConvUnit(4, 6, mels, stride=stride)
    if adapters:
        unit.adapter = ConvAdapter(4, 6, stride)
    stirred(unit.double())
    maps = torch.randn(2, 4, mels, 9).double()
    mask = torch.ones(2, 1, 1, -(-9 // stride)).double()
    mask[1, ..., 3:] = 0
    folded = unit.fold()
    assert sum(parameter.numel() for parameter in folded.parameters()) == 9 * 4 * 6 + 6
    for given in (mask, None):
        assert (folded(maps, given) - unit(maps, given)).abs().max() < 1e-12


def test_an_adapter_that_is_no_convolution_is_not_folded():
    unit = ConvUnit(4, 4, 6)
    unit.adapter = torch.nn.Tanh()
    assert unit.fold() is unit


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_onnxruntime_agrees_at_sizes_that_were_not_the_examples(kind):
    options = {**SMALL, "classifier": kind, "input_bn": True}
    whole = stirred(classifier({"a": 3, "b": 2}, adapters=True, **options))
    whole.select("b")
    content = trace(ExportModule(freeze(whole, "b"), InputSpec()), *clips([6_000, 2_000], torch.float32))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for lengths in ([1], [255, 3], [5_000], [256, 384, 383], [9_000, 5_001, 1, 700]):
        waveform, sizes = clips(lengths, torch.float32, padding=77)
        (logits,) = session.run(["logits"], {"waveform": waveform.numpy(), "lengths": sizes.numpy()})
        np.testing.assert_allclose(logits, whole(waveform, sizes).numpy(force=True), atol=1e-4)


def test_tasks_share_the_kernels_and_own_the_rest():
    one, two = (classifier(dict.fromkeys(tasks, 3), adapters=True, **SMALL) for tasks in ("a", "ab"))
    kernels = [name for name, _ in two.named_parameters() if name.endswith("conv.weight")]
    assert len(kernels) == 7
    assert kernels == [name for name, _ in one.named_parameters() if name.endswith("conv.weight")]
    waveform, lengths = clips([4_000, 900], torch.float32)
    stirred(two)
    outputs = []
    for task in "ab":
        two.select(task)
        outputs.append(two(waveform, lengths))
    assert not torch.allclose(*outputs)


def test_adapter_dropout_leaves_the_shared_convolution_alone():
    unit = ConvUnit(4, 4, 6, dropout=0.9)
    maps = torch.randn(2, 4, 6, 9)
    heard = []
    unit.conv.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    unit.adapter = ConvAdapter(4, 4)
    unit.train()(maps, None)
    unit.adapter = None
    unit(maps, None)
    assert torch.equal(heard[0], maps)
    assert (heard[1] == 0).float().mean() > 0.5


def test_the_recurrent_classifier_stays_in_float32_while_convolutions_are_in_bfloat16():
    network = build(CnnOptions(**{**SMALL, "classifier": "rnn"}), InputSpec())
    dtypes = {}
    for name, module in (("lstm", network.pooling.cell), ("conv", network.trunk.stem.conv)):
        module.register_forward_hook(lambda _, __, out, name=name: dtypes.update({name: out[0].dtype}))
    with torch.autocast("cpu", torch.bfloat16):
        network.embed(*clips([5_000, 4_000], torch.float32))
    assert dtypes == {"lstm": torch.float32, "conv": torch.bfloat16}


def test_a_step_in_bfloat16_gives_finite_gradients_everywhere():
    whole = classifier({"a": 3}, adapters=True, **{**SMALL, "classifier": "statistics", "num_mels": 64}).train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = whole(*clips([5_000, 4_000, 3_000], torch.float32))
    logits.float().logsumexp(1).sum().backward()
    for name, parameter in whole.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_every_convolution_and_norm_is_an_adapter_point():
    network = build(CnnOptions(**SMALL, classifier="FCNAttention", input_bn=True), InputSpec())
    points = network.adapter_points()
    kinds = [point.kind for point in points.values()]
    assert (kinds.count("conv"), kinds.count("norm"), kinds.count("pooling")) == (7, 9, 1)
    assert all(name == point.path for name, point in points.items())
    strides = [point.stride for point in points.values() if point.kind == "conv"]
    assert strides == [1, 2, 1, 2, 1, 2, 1]
    assert "pooling" not in build(CnnOptions(**SMALL), SIGNAL).adapter_points()


def test_feature_maps_are_halved_three_times_whatever_their_size():
    for mels, frames in ((128, 73), (64, 1), (13, 10), (1, 9)):
        trunk = Trunk(mels, ResNetOptions(number_of_filters=2, widen_factor=3, number_of_resnet_blocks=1)).eval()
        maps, _ = trunk(torch.randn(1, mels, frames), None)
        assert maps.shape == (1, 48, trunk.rows, -(-frames // 8))
        assert trunk.rows == -(-mels // 8)
        assert trunk.channels == 48


def test_average_pooling_without_a_window_is_explained():
    with pytest.raises(ConfigError, match=r"avgpool needs clips of one length; set training\.window"):
        build(CnnOptions(), InputSpec())


def test_the_plugin_does_not_import_torch():
    code = "import sys, emonet_cnn; emonet_cnn.emonet_architectures(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
