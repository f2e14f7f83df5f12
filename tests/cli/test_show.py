"""``emonet-bench show``: a file of ONNX, ours or of another writer, and the directory of a run, in words."""

from __future__ import annotations

import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper

from emonet_bench.cli import main
from tests.written import Results


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def write(tmp_path):
    """Write a network that gives its input back, with some metadata."""

    def written(**metadata):
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3]) for name in ("x", "y")]
        graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", values[:1], values[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, metadata)
        onnx.save(model, tmp_path / "m.onnx")
        return tmp_path / "m.onnx"

    return written


def shown(path):
    """What is shown, by name; a name may stand there twice, and then the last counts."""
    done = CliRunner().invoke(main, ["show", str(path)], prog_name="emonet-bench")
    assert done.exit_code == 0, done.output
    lines = (line.strip().split(maxsplit=1) for line in done.output.splitlines()[1:])
    return {name: "".join(rest) for name, *rest in lines}


def test_inputs_and_outputs_have_their_types_and_shapes(write):
    told = shown(write())
    assert told["input"] == "x: float ['batch', 3]"
    assert told["output"] == "y: float ['batch', 3]"


def test_metadata_is_put_into_words(write):
    told = shown(write(labels='["joy", "怒り"]', notes='{"a": [1, null], "b": {}}', empty="", corpus="emo"))
    assert (told["labels"], told["notes"]) == ("joy, 怒り", "a (1, -), b (-)")
    assert (told["empty"], told["corpus"]) == ("-", "emo")


@pytest.mark.parametrize("text", ["[not JSON", "{}x", "[red]text[/red]", "[" * 5000], ids=lambda text: text[:8])
def test_text_that_only_begins_like_json_stands_as_it_is(write, text):
    done = CliRunner().invoke(main, ["show", str(write(note=text))], prog_name="emonet-bench")
    assert done.exit_code == 0
    assert text in "".join(done.output.split("note", 1)[1].split()) or text in done.output


def test_what_a_model_hears_is_said_where_it_is_known(write):
    told = shown(write(sampling_rate="16000", window="3.0", hop=""))
    assert told["hears"] == "the centred 3.0 s of a clip"
    assert "hears" not in shown(write(sampling_rate="fast", window="", hop=""))


def test_a_run_is_shown_from_what_it_is_to_what_it_left(tmp_path):
    told = shown(Results(tmp_path).add(seed=3, training={"epochs": 7}))
    assert (told["corpus"], told["architecture"], told["seed"]) == ("emo", "cnn", "3")
    assert "epochs 7" in told["training"]
    assert "uar 0.5" in told["scores"]
    assert told["directory"] == "predictions.csv, result.json"
    assert list(told)[:2] == ["run_id", "corpus"]


def test_a_failed_run_says_why(tmp_path):
    assert shown(Results(tmp_path).add(error="out of [memory]"))["error"] == "RuntimeError: out of [memory]"


def test_a_directory_that_is_no_run_is_one_line(tmp_path):
    done = CliRunner().invoke(main, ["show", str(tmp_path)], prog_name="emonet-bench")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert str(tmp_path) in done.stderr
