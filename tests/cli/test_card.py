"""``emonet-bench card``: from a file to the page that says what it does."""

import json

import onnx
import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.plugins.loading import Plugins
from tests.oracles import tones, write_model


@pytest.fixture
def card(tmp_path, monkeypatch):
    """Call the command where a corpus of tones is known."""
    corpus = tones(tmp_path, count=2)

    def known(self, selection=None, **_):
        original(self, selection) if selection else original(self)
        self.add_corpora([corpus])

    original = Plugins.__init__
    monkeypatch.setattr(Plugins, "__init__", known)
    monkeypatch.setenv("COLUMNS", "300")
    return lambda *arguments: CliRunner().invoke(main, ["card", *map(str, arguments)])


def test_it_writes_a_page_a_readme_and_a_record(card, tmp_path):
    model = write_model(tmp_path / "m.onnx", "sign", 0.0)
    done = card(model, "-o", tmp_path / "card", "--listen", "--limit", 4)
    assert done.exit_code == 0, done.output
    assert "tones speakers, test: UAR 1.000" in done.output
    assert "robustness" in done.output
    record = json.loads((tmp_path / "card" / "card.json").read_text())
    assert record["robustness"]["clips"] == 4
    assert {path.name for path in (tmp_path / "card").iterdir()} == {"card.json", "card.md", "card.html", "variants"}
    assert len(list((tmp_path / "card" / "variants").glob("*.wav"))) == len(record["robustness"]["conditions"]) + 1


def test_two_files_are_compared_pairwise(card, tmp_path):
    first = write_model(tmp_path / "first.onnx", "sign", 0.0)
    second = write_model(tmp_path / "second.onnx", "sign", 0.9)
    done = card(first, "--against", second, "-o", tmp_path / "card", "--limit", 4)
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "card" / "comparison.json").read_text())
    pairs = {one["what"]: one for one in found["pairs"]}
    assert (pairs["UAR"]["first"], pairs["UAR"]["second"]) == (1.0, 0.5)
    assert pairs["UAR"]["change"]["difference"] == 0.5
    assert "`first.onnx` against `second.onnx`" in (tmp_path / "card" / "comparison.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--corpus", "tons"), "--corpus: unknown 'tons'"),
        (("--protocol", "loso"), "unknown 'loso'"),
        (("--babble", "tons"), "--babble: unknown corpus 'tons'"),
    ],
)
def test_a_mistake_is_one_line(card, tmp_path, arguments, message):
    done = card(write_model(tmp_path / "m.onnx", "sign", 0.0), "-o", tmp_path / "card", *arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_a_file_in_the_way_is_one_line(card, tmp_path):
    (tmp_path / "file").write_text("")
    done = card(write_model(tmp_path / "m.onnx", "sign", 0.0), "-o", tmp_path / "file" / "card")
    assert done.exit_code == 2
    assert "--output" in done.output


def test_a_bank_is_one_line_with_a_remedy_that_helps(card, tmp_path):
    model = onnx.load(write_model(tmp_path / "m.onnx", "sign", 0.0))
    model.graph.input.append(onnx.helper.make_tensor_value_info("task", onnx.TensorProto.INT64, []))
    (labels,) = (one for one in model.metadata_props if one.key == "labels")
    labels.value = json.dumps({"ours": json.loads(labels.value), "theirs": json.loads(labels.value)})
    onnx.save(model, tmp_path / "bank.onnx")
    done = card(tmp_path / "bank.onnx", "-o", tmp_path / "card")
    assert done.exit_code == 2
    assert f"{tmp_path}/bank.onnx: is a bank of several tasks; export a run without --bank" in done.output
    assert len(done.output.strip().splitlines()) == 1
