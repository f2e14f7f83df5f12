"""The gate lets a file pass that says what the trained network says, and no other."""

import numpy as np
import onnx
import pytest
import torch
from sklearn.metrics import recall_score

from emonet_bench.errors import ExportError
from emonet_bench.export import ExportModule, Parity, freeze, score_onnx
from emonet_bench.export.gate import EXAMPLE, check_parity, check_score, clips, extremes, feed, one_clip, opened, run
from emonet_bench.export.graph import trace
from tests.exported import LABELS, SIGNAL, listener
from tests.toys import toy_clips


@pytest.fixture(scope="module")
def traced():
    return trace(ExportModule(freeze(listener(), "ours"), SIGNAL), *clips(EXAMPLE, SIGNAL))


@pytest.mark.parametrize(("output", "what"), [("probabilities", "a probability"), ("embedding", "a value of an emb")])
def test_the_gate_holds_every_output(traced, output, what):
    trained = listener()
    model = onnx.load_from_string(traced)
    assert check_parity(model.SerializeToString(), trained, "ours", SIGNAL) <= 1e-4
    for node in model.graph.node:
        node.input[:] = ["inner" if name == output else name for name in node.input]
        node.output[:] = ["inner" if name == output else name for name in node.output]
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1.01), "factor"))
    model.graph.node.append(onnx.helper.make_node("Mul", ["inner", "factor"], [output]))
    with pytest.raises(ExportError, match=rf"^at batch 1 with \[1\] samples {what}.* is .* from the trained network's"):
        check_parity(model.SerializeToString(), trained, "ours", SIGNAL)


def test_the_file_of_another_corpus_does_not_pass(traced):
    with pytest.raises(ExportError, match=r"a logit is .* from the trained network's"):
        check_parity(traced, listener(), "theirs", SIGNAL)


def test_a_files_uar_is_scikit_learns(traced):
    test = toy_clips(30, LABELS)
    session = opened(traced, 1)
    predicted = []
    for index in range(30):
        waveform = test.whole(torch.tensor([index])).waveform
        (logits,) = run(session, ["logits"], feed(waveform, test.lengths[index, None]))
        predicted.append(int(logits.argmax()))
    expected = recall_score(test.targets, predicted, labels=[0, 1, 2], average="macro")
    for batch_size in (1, 8):
        assert score_onnx(traced, test, batch_size) == pytest.approx(expected)


def test_one_clip_of_the_rarest_label_may_flip_and_no_more():
    test = toy_clips(30, LABELS).select([0, 3, 6, 9, 1, 4, 7, 10, 2, 5])  # 4, 4 and 2 of each
    assert one_clip(test) == pytest.approx(1 / 6)
    check_score(0.5 + 1 / 6, 0.5, test)
    with pytest.raises(ExportError, match=r"its test UAR through onnxruntime is 0\.680, but the run's is 0\.500"):
        check_score(0.68, 0.5, test)


def test_clips_are_loud_behind_their_ends_and_silent_within():
    waveform, lengths = clips((0.5, 0.0, 0.25), SIGNAL)
    assert lengths.tolist() == [8_000, 1, 4_000]
    assert waveform.shape == (3, 8_000)
    assert not waveform[0, 4_000:5_600].any()
    assert waveform[2, 4_000:].std() > 3 * waveform[2, :2_000].std()


def test_sizes_that_matter_are_one_sample_one_clip_and_a_batch_of_odd_ones():
    sizes = [lengths.tolist() for _, lengths in extremes(SIGNAL)]
    assert [1] in sizes
    assert any(len(lengths) > 4 and len(set(lengths)) == len(lengths) for lengths in sizes)
    assert not {tuple(clips(EXAMPLE, SIGNAL)[1].tolist())} & {tuple(lengths) for lengths in sizes}


def test_what_onnxruntime_cannot_load_or_run_is_one_line(traced, tmp_path):
    for content in (b"no model", tmp_path / "missing.onnx"):
        with pytest.raises(ExportError, match=r"^onnxruntime cannot load it \([^\n]+\)$"):
            opened(content, 1)
    with pytest.raises(ExportError, match=r"^onnxruntime cannot run it \([^\n]+\)$"):
        run(opened(traced, 1), ["logits"], {"waveform": np.zeros((1, 9), np.float64)})


def test_the_file_says_what_was_found():
    assert Parity(1.23456e-6, 9, 17).metadata() == {"parity_max_delta": "1.23e-06", "uar_onnx": ""}
    assert Parity(0.0, 9, 17, 1 / 3).metadata()["uar_onnx"] == repr(1 / 3)
