"""What ``auto`` becomes on the machine at hand."""

from pathlib import Path

import pytest

from emonet_bench.cli import plan
from emonet_bench.config import Training


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Pretend that there is no GPU, and a processor with certain flags; None: a system that does not tell them."""

    def pretend(flags):
        told = tmp_path / "cpuinfo"
        if flags is not None:
            told.write_text(f"model name : Pretended\nflags : fpu {flags} rdpid\n")
        monkeypatch.setattr(plan, "Path", lambda path: told if path == "/proc/cpuinfo" else Path(path))
        monkeypatch.setattr(plan, "cuda_is_there", lambda: False)

    plan.cpu_multiplies_bfloat16.cache_clear()
    yield pretend
    plan.cpu_multiplies_bfloat16.cache_clear()


@pytest.mark.parametrize(
    ("flags", "precision"),
    [("avx2 avx512f avx512_bf16", "bfloat16"), ("avx2 avx512f", "float32"), (None, "float32")],
)
def test_a_cpu_trains_in_bfloat16_only_where_it_multiplies_it(machine, flags, precision):
    machine(flags)
    resolved = plan.resolve(Training())
    assert (resolved.device, resolved.precision) == ("cpu", precision)


def test_a_precision_that_is_named_is_kept(machine):
    machine("avx512_bf16")
    assert plan.resolve(Training(precision="float32")).precision == "float32"
