"""Blocks of features: what is written is read back, and what is damaged is not."""

import os

import pytest
import torch

from emonet_bench.features.blocks import read_block, write_block

ROWS = {bytes([i] * 32): torch.randn(3, 5, generator=torch.Generator().manual_seed(i)) for i in range(4)}
SEQUENCES = {bytes([i] * 32): torch.randn(i + 1, 5, generator=torch.Generator().manual_seed(i)) for i in range(4)}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize(("given", "sequence"), [(ROWS, False), (SEQUENCES, True)])
def test_features_come_back_to_the_last_bit(tmp_path, given, sequence, dtype):
    given = {digest: row.to(dtype) for digest, row in given.items()}
    write_block(tmp_path / "block.safetensors", given, sequence=sequence)
    block = read_block(tmp_path / "block.safetensors")
    assert block.sequence == sequence
    assert block.rows.keys() == given.keys()
    for digest, row in given.items():
        assert torch.equal(block.rows[digest], row)
        assert block.rows[digest].dtype == dtype
        assert block.holds(digest)


def test_a_flipped_bit_is_found_in_the_clip_that_it_hit(tmp_path):
    path = tmp_path / "block.safetensors"
    write_block(path, ROWS, sequence=False)
    content = bytearray(path.read_bytes())
    first = ROWS[bytes(32)].numpy().tobytes()
    content[content.index(first) + 7] ^= 1
    path.write_bytes(content)
    block = read_block(path)
    assert [block.holds(digest) for digest in ROWS] == [False, True, True, True]


def test_a_flipped_bit_in_the_index_makes_it_no_block(tmp_path):
    path = tmp_path / "block.safetensors"
    write_block(path, ROWS, sequence=False)
    content = bytearray(path.read_bytes())
    content[content.index(bytes([3] * 32)) + 1] ^= 1
    path.write_bytes(content)
    assert read_block(path) is None


@pytest.mark.parametrize("size", [0, 5, 200, -1])
def test_half_a_file_is_no_block(tmp_path, size):
    path = tmp_path / "block.safetensors"
    write_block(path, ROWS, sequence=False)
    path.write_bytes(path.read_bytes()[:size])
    assert read_block(path) is None


def test_another_safetensors_file_is_no_block(tmp_path):
    from safetensors.torch import save_file

    save_file({"values": torch.zeros(3)}, tmp_path / "block.safetensors")
    assert read_block(tmp_path / "block.safetensors") is None


def test_a_pipe_and_a_folder_are_no_blocks(tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    assert all(read_block(path) is None for path in tmp_path.iterdir())
