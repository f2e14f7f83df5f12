"""Trained weights on disk: headers of strangers are refused in one line."""

import json
import struct

import pytest
import torch
from safetensors.torch import save_file

from emonet_bench.errors import ConfigError, EmonetBenchError
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.files import RunFiles
from emonet_bench.training import checkpoints
from tests.written import Results

HEADER = {
    "architecture": "cnn",
    "architecture_options": {"x": 1},
    "strategy": "scratch",
    "strategy_options": {},
    "signal": {"sampling_rate": 16_000, "window": None, "hop": None},
    "corpora": {"emodb": ["anger", "joy"]},
    "evaluation": "whole",
    "run_id": "0" * 16,
}


def write(path, header, **tensors):
    text = header if isinstance(header, str) else json.dumps(header)
    save_file({"network.x": torch.ones(2), **tensors}, path, {"emonet_bench": text})
    return path


def test_a_header_is_read_as_it_was_written_and_later_keys_are_kept(tmp_path):
    path = write(tmp_path / "model.safetensors", {**HEADER, "later": 1})
    assert checkpoints.load(path).header == {**HEADER, "later": 1}
    assert checkpoints.load(tmp_path).tensors.keys() == {"network.x"}


@pytest.mark.parametrize(
    "header",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"architecture": NaN}',
        {},
        {**HEADER, "architecture": 3},
        {**HEADER, "architecture_options": []},
        {**HEADER, "corpora": ["emodb"]},
        {**HEADER, "corpora": {"emodb": "anger"}},
        {**HEADER, "corpora": {"emodb": [1]}},
        {**HEADER, "signal": {"sampling_rate": "16000"}},
        {**HEADER, "signal": None},
        {**HEADER, "shared": "../secret.safetensors"},
        {**HEADER, "shared": "/etc/passwd"},
        {**HEADER, "shared": 7},
        {**HEADER, "shared": "absent.safetensors"},
    ],
)
def test_a_header_that_is_none_is_one_line(tmp_path, header):
    write(tmp_path / "secret.safetensors", HEADER)
    (tmp_path / "run").mkdir()
    path = write(tmp_path / "run" / "model.safetensors", header)
    with pytest.raises(EmonetBenchError) as caught:
        checkpoints.load(path)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("length", [0, 1, 2**31, 2**40, 2**63, 2**64 - 1])
def test_a_header_of_any_stated_length_is_one_line(tmp_path, length):
    path = write(tmp_path / "model.safetensors", HEADER)
    path.write_bytes(struct.pack("<Q", length) + path.read_bytes()[8:])
    with pytest.raises(EmonetBenchError, match="not a readable checkpoint"):
        checkpoints.load(path)


def test_a_part_that_names_itself_as_shared_ends(tmp_path):
    path = write(tmp_path / "model-emodb.safetensors", {**HEADER, "shared": "model-emodb.safetensors"})
    assert checkpoints.load(path).header["shared"] == path.name


def test_a_failed_write_keeps_the_old_weights(tmp_path, monkeypatch):
    path = write(tmp_path / "model.safetensors", HEADER)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        checkpoints.save(torch.nn.Linear(1, 1), path, HEADER)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_weights_of_another_run_are_not_taken_for_those_of_this_one(tmp_path):
    run = Results(tmp_path).add(corpus="emodb", options={"x": 1}, labels=["anger", "joy"], run_id="0" * 16)
    record = RunFiles(run).read_record()
    assert [*checkpoints.contradictions(HEADER, record)] == []
    assert [*checkpoints.contradictions({**HEADER, "run_id": "1" * 16, "architecture": "rnn"}, record)] == [
        "model.safetensors: its run_id is not that of result.json",
        "model.safetensors: its architecture is not that of result.json",
    ]
    for corpora in ({"emodb": ["joy", "anger"]}, {"ravdess": ["anger", "joy"]}):
        write(run / "model.safetensors", {**HEADER, "corpora": corpora})
        with pytest.raises(ConfigError, match=r"its corpora or their labels are not those of result\.json; it may "):
            checkpoints.restore(run, Plugins())


def test_weights_that_the_run_did_not_write_are_refused(tmp_path):
    run = Results(tmp_path).add(
        corpus="emodb",
        options={"x": 1},
        labels=["anger", "joy"],
        run_id="0" * 16,
        files={"model.safetensors": "0" * 64},
    )
    write(run / "model.safetensors", HEADER)
    with pytest.raises(
        ConfigError, match=r"model\.safetensors: not the file that the run wrote; it may belong to anot"
    ):
        checkpoints.restore(run, Plugins())


def test_plugins_that_a_run_had_and_are_not_here_are_named(tmp_path):
    run = Results(tmp_path).add(corpus="emodb", architecture="own", labels=["anger", "joy"], run_id="0" * 16)
    record = json.loads((run / "result.json").read_text())
    record["plugins"] = {"builtins": "0.2.0", "own-net": "1.3"}
    (run / "result.json").write_text(json.dumps(record))
    told = record["spec"]["architecture_options"]
    write(run / "model.safetensors", {**HEADER, "architecture": "own", "architecture_options": told})
    said = r"unknown architecture 'own'; .*; it was trained beside the plugins own-net 1\.3$"
    with pytest.raises(ConfigError, match=said):
        checkpoints.restore(run, Plugins())
