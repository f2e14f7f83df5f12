"""The state of a training: a damaged one is noticed, said in the log, and begun anew."""

import json
import logging
import os

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from emonet_bench.training import resume


@pytest.fixture
def state(tmp_path):
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    path = tmp_path / "state.safetensors"
    odd = {"half": torch.ones(3, dtype=torch.bfloat16), "empty": torch.zeros(0), "scalar": torch.tensor(3)}
    resume.save(path, resume.TrainingProgress(epoch=3), {**model.state_dict(), **odd}, model.state_dict(), optimizer)
    return path


def damage(path, how):
    with safe_open(path, framework="pt") as opened:
        header, tensors = opened.metadata(), {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    how(header, tensors)
    save_file(tensors, path, header)


def test_a_state_is_read_back_as_it_was_saved(state):
    found = resume.load(state)
    assert found.progress.epoch == 3
    assert torch.equal(found.model["half"], torch.ones(3, dtype=torch.bfloat16))
    assert {"step", "exp_avg", "exp_avg_sq"} <= found.optimizer[0].keys()


@pytest.mark.parametrize(
    "how",
    [
        lambda header, tensors: tensors.update({name: torch.zeros_like(tensor) for name, tensor in tensors.items()}),
        lambda header, tensors: tensors["model/weight"].view(torch.uint8)[0].bitwise_xor_(1),
        lambda header, tensors: tensors.update({"model/weight": tensors["best/weight"][:1].clone()}),
        lambda header, tensors: tensors.pop("best/bias"),
        lambda header, tensors: header.update(progress=json.dumps({"epoch": 7})),
        lambda header, tensors: header.pop("checksum"),
        lambda header, tensors: header.update(checksum=""),
    ],
)
def test_other_tensors_than_those_saved_are_noticed_and_said(state, caplog, how):
    damage(state, how)
    with caplog.at_level(logging.WARNING):
        assert resume.load(state) is None
    assert "the state of the training is damaged, so it begins anew" in caplog.text


def test_a_flipped_bit_anywhere_is_noticed(state):
    content = state.read_bytes()
    for place in range(0, len(content), 37):
        state.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert resume.load(state) is None, place


def test_a_state_that_is_missing_is_no_word_and_a_pipe_is_not_waited_for(tmp_path, caplog):
    assert resume.load(tmp_path / "state.safetensors") is None
    assert caplog.text == ""
    os.mkfifo(tmp_path / "state.safetensors")
    assert resume.load(tmp_path / "state.safetensors") is None


@pytest.mark.parametrize("header", [{}, {"progress": "{}"}, {"progress": '{"odd": 1}', "optimizer": "{}"}])
def test_a_state_of_another_version_means_a_fresh_start(tmp_path, header):
    save_file({"model/x": torch.zeros(1)}, tmp_path / "state.safetensors", header)
    assert resume.load(tmp_path / "state.safetensors") is None
