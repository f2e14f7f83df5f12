"""The feature store: computed once, shared by processes, proof against kills, full disks and damage."""

import errno
import hashlib
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from emonet_bench.errors import OutOfSpaceError, StoreError, TrainingError
from emonet_bench.features import blocks, store
from emonet_bench.features.store import ClipToCompute, FeatureKey, FeatureStore
from emonet_bench.types import FrozenFeatures

KEY = FeatureKey("abc", 16_000, "float32", "cpu, threads: 1")


def digest(number):
    return hashlib.sha256(str(number).encode()).digest()


def values(number):
    return torch.randn(4, generator=torch.Generator().manual_seed(number))


def clips(numbers, computed=None, seconds=0.0):
    """Clips that note which of them are computed: in a list, or as lines of a file."""

    def compute(number):
        def own():
            time.sleep(seconds)
            if isinstance(computed, Path):
                with computed.open("a") as file:
                    file.write(f"{number}\n")
            elif computed is not None:
                computed.append(number)
            return FrozenFeatures(values(number)[None])

        return own

    return [ClipToCompute(digest(number), 1000 + number, compute(number)) for number in numbers]


def test_features_are_computed_once_and_come_back_in_the_order_of_the_clips(tmp_path):
    computed = []
    for order in (range(40), [7, 3, 39, 3]):
        rows, sequence = FeatureStore(tmp_path, KEY).features(clips(order, computed))
        assert not sequence
        for number, row in zip(order, rows, strict=True):
            assert torch.equal(row, values(number))
    assert sorted(computed) == list(range(40))


def test_new_clips_join_those_that_are_kept(tmp_path):
    computed = []
    FeatureStore(tmp_path, KEY).features(clips(range(10), computed))
    computed.clear()
    FeatureStore(tmp_path, KEY).features(clips(range(5, 15), computed))
    assert sorted(computed) == list(range(10, 15))


@pytest.mark.parametrize(
    "other",
    [
        FeatureKey("other", 16_000, "float32", KEY.device),
        FeatureKey("abc", 8_000, "float32", KEY.device),
        FeatureKey("abc", 16_000, "float16", KEY.device),
        FeatureKey("abc", 16_000, "float32", "cuda"),
    ],
)
def test_other_weights_rates_precisions_and_devices_meet_no_kept_features(tmp_path, other):
    computed = []
    for key in (KEY, other):
        FeatureStore(tmp_path, key).features(clips(range(3), computed))
    assert sorted(computed) == [0, 0, 1, 1, 2, 2]


def test_progress_counts_what_is_kept_and_what_is_computed(tmp_path):
    FeatureStore(tmp_path, KEY).features(clips(range(4)))
    told = []
    FeatureStore(tmp_path, KEY).features(clips(range(10)), progress=lambda *now: told.append(now))
    assert told[-1] == (10, 10)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_float16_halves_the_size_and_rounds(tmp_path):
    rows, _ = FeatureStore(tmp_path, FeatureKey("abc", 16_000, "float16", "cpu")).features(clips([1]))
    assert rows[0].dtype == torch.float16
    assert torch.equal(rows[0], values(1).half())


def one(features):
    return [ClipToCompute(digest(0), 10, lambda: features)]


def test_features_too_large_for_float16_are_told_with_the_remedy(tmp_path):
    with pytest.raises(TrainingError, match=r"too large for float16; set training.features = 'float32'"):
        FeatureStore(tmp_path, FeatureKey("abc", 16_000, "float16", "cpu")).features(
            one(FrozenFeatures(torch.full((1, 3), 1e5)))
        )


def test_features_that_are_not_finite_are_never_kept(tmp_path):
    with pytest.raises(TrainingError, match="not finite"):
        FeatureStore(tmp_path, KEY).features(one(FrozenFeatures(torch.full((1, 3), torch.nan))))
    assert not list(tmp_path.rglob("*.safetensors"))


def test_sequences_keep_their_own_lengths_and_lose_their_padding(tmp_path):
    given = [FrozenFeatures(torch.full((1, 5, 2), float(n)), torch.tensor([n])) for n in (1, 4, 5)]
    asked = [ClipToCompute(digest(i), 100, lambda i=i: given[i]) for i in range(3)]
    rows, sequence = FeatureStore(tmp_path, KEY).features(asked)
    assert sequence
    assert [tuple(row.shape) for row in rows] == [(1, 2), (4, 2), (5, 2)]


def build(folder, numbers, log, seconds):
    FeatureStore(folder, KEY).features(clips(numbers, log, seconds))


def test_processes_that_ask_at_once_share_the_work(tmp_path):
    log, spawn = tmp_path / "log", multiprocessing.get_context("fork")
    builders = [spawn.Process(target=build, args=(tmp_path / "store", range(60), log, 0.01)) for _ in range(3)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert [builder.exitcode for builder in builders] == [0, 0, 0]
    assert sorted(map(int, log.read_text().split())) == list(range(60))
    rows, _ = FeatureStore(tmp_path / "store", KEY).features(clips(range(60), []))
    assert all(torch.equal(row, values(number)) for number, row in enumerate(rows))


def test_a_killed_build_loses_no_block_and_the_next_goes_on(tmp_path):
    log, fork = tmp_path / "log", multiprocessing.get_context("fork")
    builder = fork.Process(target=build, args=(tmp_path / "store", range(60), log, 0.02))
    builder.start()
    while not (log.exists() and len(log.read_text().split()) > 30):
        time.sleep(0.01)
    os.kill(builder.pid, signal.SIGKILL)
    builder.join()
    kept = {digest for block in FeatureStore(tmp_path / "store", KEY).blocks() for digest in block.rows}
    assert len(kept) > 15
    computed = []
    rows, _ = FeatureStore(tmp_path / "store", KEY).features(clips(range(60), computed))
    assert sorted(digest(number) for number in computed) == sorted({digest(n) for n in range(60)} - kept)
    assert all(torch.equal(row, values(number)) for number, row in enumerate(rows))


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_what_is_damaged_is_computed_again_and_nothing_else(tmp_path, damage):
    FeatureStore(tmp_path, KEY).features(clips(range(40)))
    path = min(tmp_path.rglob("*.safetensors"))
    lost = {number for number in range(40) if digest(number) in blocks.read_block(path).rows}
    content = bytearray(path.read_bytes())
    if damage == "flip":
        place = content.index(values(min(lost)).numpy().tobytes())
        content[place] ^= 1
        lost = {min(lost)}
    path.write_bytes({"cut": content[:-3], "flip": content, "empty": b""}[damage])
    computed = []
    rows, _ = FeatureStore(tmp_path, KEY).features(clips(range(40), computed))
    assert set(computed) == lost
    assert all(torch.equal(row, values(number)) for number, row in enumerate(rows))


def disk(free):
    return lambda _: SimpleNamespace(free=free)


@pytest.mark.parametrize("sequence", [False, True])
def test_the_disk_is_asked_before_it_fills(tmp_path, monkeypatch, sequence):
    monkeypatch.setattr(shutil, "disk_usage", disk(10_000_000))
    features = FrozenFeatures(torch.zeros(1, 50, 1000), torch.tensor([50]) if sequence else None)
    asked = [ClipToCompute(digest(i), 1000, lambda: features) for i in range(100)]
    with pytest.raises(OutOfSpaceError, match=r"100 clips need 0.02 GB and 0.01 GB are free; free some.*'float16'"):
        FeatureStore(tmp_path, KEY).features(asked)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_disk_that_fills_all_the_same_is_one_line_and_loses_nothing(tmp_path, monkeypatch):
    written = []

    def full(path, *_, **__):
        written.append(path)
        if len(written) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return blocks.write_block(path, *_, **__)

    monkeypatch.setattr(store, "write_block", full)
    with pytest.raises(OutOfSpaceError, match="no space left on the disk; free some; EMONET_BENCH_FEATURES_DIR"):
        FeatureStore(tmp_path, KEY).features(clips(range(60)))
    monkeypatch.undo()
    computed = []
    FeatureStore(tmp_path, KEY).features(clips(range(60), computed))
    assert 0 < len(computed) < 60


def test_a_directory_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written .*EMONET_BENCH_FEATURES_DIR names another place"):
        FeatureStore(tmp_path / "file", KEY).features(clips([1]))
