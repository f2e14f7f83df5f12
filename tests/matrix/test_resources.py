"""What ``auto`` becomes on the machine at hand, and how many cells run on it at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError
from emonet_bench.matrix import resources
from emonet_bench.matrix.resources import check_device, choose_gpu, gpu_room, room_for_cells, worker_count


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Pretend that there is no GPU, and a processor with certain flags; None: a system that does not tell them."""

    def pretend(flags):
        told = tmp_path / "cpuinfo"
        if flags is not None:
            told.write_text(f"model name : Pretended\nflags : fpu {flags} rdpid\n")
        monkeypatch.setattr(resources, "Path", lambda path: told if path == "/proc/cpuinfo" else Path(path))
        monkeypatch.setattr(resources, "cuda_is_there", lambda: False)

    resources.cpu_multiplies_bfloat16.cache_clear()
    yield pretend
    resources.cpu_multiplies_bfloat16.cache_clear()


@pytest.mark.parametrize(
    ("flags", "precision"),
    [("avx2 avx512f avx512_bf16", "bfloat16"), ("avx2 avx512f", "float32"), (None, "float32")],
)
def test_a_cpu_trains_in_bfloat16_only_where_it_multiplies_it(machine, flags, precision):
    machine(flags)
    resolved = resources.resolve(Training())
    assert (resolved.device, resolved.precision) == ("cpu", precision)


def test_a_precision_that_is_named_is_kept(machine):
    machine("avx512_bf16")
    assert resources.resolve(Training(precision="float32")).precision == "float32"


def test_cuda_is_refused_in_one_line_where_there_is_none(machine):
    machine("")
    with pytest.raises(ConfigError, match="RUN: it was trained on cuda: torch sees no CUDA device here"):
        check_device("cuda", "RUN: it was trained on cuda")
    with pytest.raises(ConfigError, match="--device cuda"):
        resources.resolve(Training(device="cuda"))


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cpu:1", ""])
def test_a_device_that_is_none_is_refused(device):
    with pytest.raises(ConfigError, match="give auto, cpu, cuda or cuda:N"):
        choose_gpu(device)


@pytest.mark.parametrize(("jobs", "cells", "expected"), [("3", 2, 2), ("3", 9, 3), ("auto", 1, 1)])
def test_there_are_never_more_workers_than_cells(jobs, cells, expected):
    assert worker_count(jobs, threads=1, cells=cells) == expected


class Cluster(ThreadPoolExecutor):
    def capacity(self, threads, device):
        return {("cpu", 1): 40, ("cpu", 4): 10, ("cuda", 1): 0}[device, threads]


@pytest.mark.parametrize(
    ("jobs", "threads", "device", "here", "there"),
    [("auto", 1, "cpu", 2, 40), ("auto", 4, "cpu", 2, 10), ("auto", 1, "cuda", 2, 1), ("2", 4, "cpu", 2, 2)],
)
def test_auto_asks_an_executor_that_knows_its_capacity(jobs, threads, device, here, there):
    room = room_for_cells(jobs, 2, 0, lambda: None, threads, device)
    with ThreadPoolExecutor() as local, Cluster() as cluster:
        assert (room(local), room(cluster)) == (here, there)


@pytest.mark.parametrize(("peak", "expected"), [(None, 16), (500, 16), (1_000, 14), (20_000, 1), (0, 16)])
def test_without_gpus_as_many_cells_run_at_once_as_memory_holds(monkeypatch, peak, expected):
    monkeypatch.setattr("emonet_bench.machine.memory_mb", lambda: 16_000)
    with ThreadPoolExecutor() as local:
        assert room_for_cells("auto", 16, 0, lambda: peak, 1, "cpu")(local) == expected


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "1.5", "9" * 5000])
def test_a_wrong_number_of_jobs_is_refused(jobs):
    with pytest.raises(ConfigError, match="--jobs") as caught:
        worker_count(jobs, threads=1, cells=2)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    ("memory", "peak", "workers", "expected"),
    [
        ([80_000], None, 16, 1),  # nothing measured yet: one cell each
        ([80_000] * 4, None, 16, 4),
        ([80_000] * 4, None, 2, 2),  # cores are fewer than GPUs
        ([80_000], 5_000, 16, 12),
        ([80_000, 24_000], 5_000, 16, 6),  # the smaller GPU decides: workers are dealt evenly
        ([8_000], 20_000, 16, 1),
    ],
)
def test_gpus_are_shared_by_as_many_cells_as_their_memory_holds(memory, peak, workers, expected):
    assert gpu_room(memory, peak, workers) == expected
