"""The recurrent architecture against loops over time in NumPy, written from the equations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from emonet_rnn.attention import SelfAttention, WeightedAttention
from emonet_rnn.network import RecurrentLayer, RecurrentTrunk, RnnNetwork, average_frames
from emonet_rnn.options import RecurrentOptions, RnnOptions

from emonet_bench.types import InputSpec


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def arrays(module):
    return {name: tensor.detach().numpy() for name, tensor in module.named_parameters()}


def loop(cell, frames, suffix=""):
    """Run one direction of an LSTM or GRU over the frames (T, inputs) of one clip: (T, hidden)."""
    p = arrays(cell)
    w, u = p[f"weight_ih_l0{suffix}"], p[f"weight_hh_l0{suffix}"]
    b, c = p[f"bias_ih_l0{suffix}"], p[f"bias_hh_l0{suffix}"]
    h, memory, outputs = np.zeros(cell.hidden_size), np.zeros(cell.hidden_size), []
    for x in frames:
        heard, recalled = w @ x + b, u @ h + c
        if isinstance(cell, torch.nn.LSTM):
            i, f, g, o = np.split(heard + recalled, 4)
            memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(memory)
        else:
            (r, z, n), (hr, hz, hn) = np.split(heard, 3), np.split(recalled, 3)
            z = sigmoid(z + hz)
            h = (1 - z) * np.tanh(n + sigmoid(r + hr) * hn) + z * h
        outputs.append(h)
    return np.array(outputs)


def both_directions(cell, frames):
    forward = loop(cell, frames)
    if not cell.bidirectional:
        return forward
    return np.concatenate([forward, loop(cell, frames[::-1], "_reverse")[::-1]], axis=1)


def softmax(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def self_attention(module, frames):
    p = arrays(module)
    mixed = []
    for x in frames:
        scores = []
        for y in frames:
            hidden = np.tanh(p["query.weight"] @ x + p["key.weight"] @ y + p["query.bias"])
            scores.append(sigmoid(p["score.weight"][0] @ hidden + p["score.bias"][0]))
        mixed.append(softmax(np.array(scores)) @ frames)
    return np.array(mixed)


def weighted_attention(module, frames):
    (w,) = module.score.weight.detach().numpy()
    return softmax(np.array([w @ x for x in frames])) @ frames


def reference(trunk, features):
    """Embed the features (bands, T) of one clip."""
    if trunk.input_norm is not None:
        norm = trunk.input_norm
        mean, variance = norm.running_mean.numpy()[:, None], norm.running_var.numpy()[:, None]
        scale, shift = (tensor.detach().numpy()[:, None] for tensor in (norm.weight, norm.bias))
        features = (features - mean) / np.sqrt(variance + 1e-3) * scale + shift
    size = trunk.down_pool
    sequence = np.array([features[:, t : t + size].mean(1) for t in range(0, features.shape[1], size)])
    if isinstance(trunk.projection, torch.nn.Linear):
        p = arrays(trunk.projection)
        sequence = sequence @ p["weight"].T + p["bias"]
    for index, layer in enumerate(trunk.layers):
        sequence = both_directions(layer.cell, sequence)
        if layer.adapter is not None:
            sequence = np.array([layer.adapter(torch.from_numpy(x)).detach().numpy() for x in sequence])
        if index < len(trunk.attentions):
            sequence = self_attention(trunk.attentions[index], sequence)
    return weighted_attention(trunk.pooling, sequence)


class Tanh(torch.nn.Module):
    """An adapter that any order of operations would notice."""

    def forward(self, sequence):
        return sequence + torch.tanh(3 * sequence + 1)


def trunk(seed=0, **options):
    torch.manual_seed(seed)
    made = RecurrentTrunk(5, RecurrentOptions(hidden_dim=6, **options)).double().eval()
    if made.input_norm is not None:
        made.input_norm.running_mean.normal_()
        made.input_norm.running_var.uniform_(0.5, 2)
    return made


def padded(lengths, bands=5):
    features = torch.randn(len(lengths), bands, max(lengths), dtype=torch.float64)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])[:, None].double()
    return features * mask, mask


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell_type", ["lstm", "gru"])
def test_a_layer_equals_a_loop_over_the_frames_of_each_clip(cell_type, bidirectional):
    torch.manual_seed(0)
    layer = RecurrentLayer(5, RecurrentOptions(hidden_dim=6, cell_type=cell_type, bidirectional=bidirectional))
    layer.double().eval()
    sequence, frames = torch.randn(3, 9, 5, dtype=torch.float64), [9, 1, 4]
    with torch.no_grad():
        outputs = layer(sequence, torch.tensor(frames)).numpy()
    for clip, length, output in zip(sequence.numpy(), frames, outputs, strict=True):
        np.testing.assert_allclose(output[:length], both_directions(layer.cell, clip[:length]), atol=1e-12)


GRID = [
    dict(
        zip(
            ("cell_type", "bidirectional", "input_projection", "input_bn", "use_attention", "down_pool"),
            values,
            strict=True,
        )
    )
    for values in itertools.product(["lstm", "gru"], [False, True], [False, True], [False, True], [False, True], [1, 4])
]


@pytest.mark.parametrize("options", GRID, ids=lambda options: "-".join(map(str, options.values())))
def test_the_embedding_equals_a_naive_reference_clip_by_clip(options):
    made = trunk(**options)
    for layer in made.layers:
        layer.adapter = Tanh()
    lengths = [11, 1, 6]
    features, mask = padded(lengths)
    with torch.no_grad():
        embeddings = made.embed_features(features, mask).numpy()
    for clip, length, embedding in zip(features.numpy(), lengths, embeddings, strict=True):
        np.testing.assert_allclose(embedding, reference(made, clip[:, :length]), atol=1e-10)


def test_without_a_mask_every_frame_counts():
    made = trunk(bidirectional=True, use_attention=True)
    features, mask = padded([13, 13])
    with torch.no_grad():
        torch.testing.assert_close(
            made.embed_features(features, None), made.embed_features(features, mask), rtol=0, atol=1e-12
        )


def test_average_pooling_divides_by_the_valid_frames_of_each_window():
    features = torch.tensor([[[2.0, 4.0, 6.0, 8.0, 10.0]], [[1.0, 2.0, 6.0, 0.0, 0.0]]])
    mask = torch.tensor([[[1, 1, 1, 1, 1]], [[1, 1, 1, 0, 0]]])
    averages, valid = average_frames(features, mask, 2)
    assert averages.tolist() == [[[3, 7, 10]], [[1.5, 6, 0]]]
    assert valid.tolist() == [[[1, 1, 1]], [[1, 1, 0]]]


def test_attention_gives_no_weight_to_padding():
    torch.manual_seed(0)
    frames = torch.randn(1, 7, 4, dtype=torch.float64)
    mask = torch.tensor([[[1, 1, 1, 1, 0, 0, 0]]])
    pooling, mixing = WeightedAttention(4).double(), SelfAttention(4).double()
    with torch.no_grad():
        pooled, mixed = pooling(frames, mask), mixing(frames, mask)
    np.testing.assert_allclose(pooled[0], weighted_attention(pooling, frames[0, :4].numpy()), atol=1e-12)
    np.testing.assert_allclose(mixed[0, :4], self_attention(mixing, frames[0, :4].numpy()), atol=1e-12)


def test_dropout_hides_whole_features_for_all_frames_of_a_clip():
    layer = RecurrentLayer(50, RecurrentOptions(hidden_dim=6, rnn_dropout=0.5)).train()
    heard = []
    layer.cell.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    torch.manual_seed(0)
    layer(torch.ones(2, 4, 50), None)
    (sequence,) = heard
    assert set(sequence.unique().tolist()) == {0.0, 2.0}
    assert (sequence == sequence[:, :1]).all()
    assert not torch.equal(sequence[0], sequence[1])


@pytest.mark.parametrize("options", [{}, {"cell_type": "gru", "bidirectional": True, "use_attention": True}], ids=str)
def test_a_training_pass_in_bfloat16_comes_close_to_one_in_float32(options):
    torch.manual_seed(0)
    made = RecurrentTrunk(5, RecurrentOptions(hidden_dim=6, input_projection=True, rnn_dropout=0.0, **options)).train()
    features, mask = padded([40, 3, 17])
    exact = made.embed_features(features.float(), mask)
    with torch.autocast("cpu", torch.bfloat16):
        rough = made.embed_features(features.float(), mask)
    rough.float().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in made.parameters())
    torch.testing.assert_close(rough.float(), exact, rtol=0, atol=0.03)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_recurrent_layers_stay_in_float32_while_others_are_in_bfloat16(device, bidirectional):
    options = RecurrentOptions(hidden_dim=6, input_projection=True, bidirectional=bidirectional)
    made = RecurrentTrunk(5, options).to(device)
    dtypes = {}
    for name, module in (("layer", made.layers[0]), ("projection", made.projection)):
        module.register_forward_hook(lambda _, __, out, name=name: dtypes.update({name: out.dtype}))
    with torch.autocast(device, torch.bfloat16):
        made.embed_features(*(tensor.float().to(device) for tensor in padded([40, 3])))
    assert dtypes == {"layer": torch.float32, "projection": torch.bfloat16}


def test_the_defaults_are_emonets():
    options = RnnOptions()
    assert (options.features, options.num_mfccs, options.cell_type) == ("mfcc", 40, "lstm")
    assert (options.hidden_dim, options.number_of_layers, options.rnn_dropout, options.down_pool) == (512, 2, 0.2, 8)
    assert not any((options.bidirectional, options.input_bn, options.use_attention, options.input_projection))


def test_the_number_of_parameters_is_the_one_counted_by_hand():
    network = RnnNetwork(RnnOptions(), InputSpec())
    first, second = 4 * 512 * (40 + 512 + 2), 4 * 512 * (512 + 512 + 2)  # torch keeps two biases for each gate
    assert sum(parameter.numel() for parameter in network.parameters()) == first + second + 512


def test_shared_attention_is_no_place_for_a_corpus_of_its_own():
    own, shared = (trunk(use_attention=True, share_attention=share).adapter_points("trunk.") for share in (False, True))
    assert set(own) - set(shared) == {"trunk.attentions.0"}
    assert {point.kind for point in shared.values()} == {"sequence", "pooling"}
