"""Energy of runs: counters that start again, what cannot be read, the hook's contracts, and a run on a GPU."""

import json
import subprocess
import sys
from types import SimpleNamespace

import emonet_energy
import pynvml
import pytest
import torch
from emonet_energy import rapl
from emonet_energy.counters import counters

pytest_plugins = ["emonet_bench.testing"]

NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
CPU = SimpleNamespace(training=SimpleNamespace(device="cpu"))


@pytest.fixture
def powercap(tmp_path, monkeypatch):
    """A machine of two packages, one with memory, as Linux shows them; its counters stand at given microjoules."""
    monkeypatch.setattr(rapl, "POWERCAP", tmp_path)
    names = {
        "intel-rapl": None,
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:0:1": "dram",
        "intel-rapl:1": "package-1",
        "intel-rapl:2": "psys",
        "intel-rapl-mmio:0": "package-0",
    }
    for zone, name in names.items():
        (tmp_path / zone).mkdir()
        if name is not None:
            (tmp_path / zone / "name").write_text(f"{name}\n")
            (tmp_path / zone / "max_energy_range_uj").write_text("10000000\n")
            (tmp_path / zone / "energy_uj").write_text("9000000\n")

    def at(zone, microjoules):
        (tmp_path / zone / "energy_uj").write_text(f"{microjoules}\n")

    return at


def test_packages_and_memory_add_up_and_what_is_part_of_them_is_not_counted_twice(powercap):
    energy = emonet_energy.emonet_extend_record(CPU)
    for zone in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:0:1", "intel-rapl:1", "intel-rapl:2", "intel-rapl-mmio:0"):  # fmt: skip
        powercap(zone, 9_500_000)
    told = energy({})
    assert told["parts"] == {"package-0": 0.5, "dram-0": 0.5, "package-1": 0.5}
    assert told["joules"] == 1.5
    assert told["not_measured"] == {}
    assert told["seconds"] >= 0


def test_a_counter_that_starts_again_goes_on(powercap):
    energy = emonet_energy.emonet_extend_record(CPU)
    powercap("intel-rapl:0", 2_000_000)  # 1 J to the end, 2 J from there
    assert energy({})["parts"]["package-0"] == 3.0
    powercap("intel-rapl:0", 1_000_000)  # and once more round
    assert energy({})["parts"]["package-0"] == 12.0


def test_runs_of_one_process_have_their_own_energy(powercap):
    first = emonet_energy.emonet_extend_record(CPU)
    powercap("intel-rapl:1", 9_250_000)
    second = emonet_energy.emonet_extend_record(CPU)
    powercap("intel-rapl:1", 9_750_000)
    assert (first({})["joules"], second({})["joules"]) == (0.75, 0.5)


def test_a_machine_without_counters_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(rapl, "POWERCAP", tmp_path / "absent")
    told = emonet_energy.emonet_extend_record(CPU)({})
    assert told["joules"] is None
    assert "no RAPL counter" in told["not_measured"]["cpu"]


def test_counters_that_only_root_may_read_are_named(powercap, tmp_path, monkeypatch):
    (tmp_path / "intel-rapl:1" / "energy_uj").unlink()
    (tmp_path / "intel-rapl:1" / "energy_uj").mkdir()  # root, as whom tests may run, reads every file
    told = emonet_energy.emonet_extend_record(CPU)({})
    assert told["parts"] == {}
    assert "intel-rapl:1/energy_uj: cannot be read" in told["not_measured"]["cpu"]


def test_a_gpu_that_is_not_there_is_told(powercap):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is one")
    _, not_measured = counters("cuda")
    assert set(not_measured) == {"gpu"}
    assert "\n" not in not_measured["gpu"]


def test_a_gpu_is_found_by_its_uuid_and_tells_millijoules(powercap, monkeypatch):
    told = iter([1_000_000, 1_000_000, 1_042_500])  # whether it tells at all, the beginning and the end
    gpu = SimpleNamespace(name="NVIDIA Test", uuid="1234")
    cuda = SimpleNamespace(current_device=lambda: 0, get_device_properties=lambda _: gpu)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda uuid: uuid)
    monkeypatch.setattr(
        pynvml, "nvmlDeviceGetTotalEnergyConsumption", lambda handle: next(told) if handle == "GPU-1234" else None
    )
    energy = emonet_energy.emonet_extend_record(SimpleNamespace(training=SimpleNamespace(device="cuda")))
    assert energy({})["parts"]["NVIDIA Test"] == 42.5


def test_a_gpu_without_a_counter_is_told(powercap, monkeypatch):
    def refuse():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    gpu = SimpleNamespace(name="NVIDIA Old", uuid="1234")
    cuda = SimpleNamespace(current_device=lambda: 0, get_device_properties=lambda _: gpu)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(pynvml, "nvmlInit", refuse)
    told = emonet_energy.emonet_extend_record(SimpleNamespace(training=SimpleNamespace(device="cuda")))({})
    assert told["not_measured"] == {"gpu": "NVML: Not Supported"}
    assert set(told["parts"]) == {"package-0", "dram-0", "package-1"}


def test_the_hook_keeps_its_contracts(check_hooks):
    check_hooks("energy")


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NO_GPU)])
def test_a_matrix_has_the_energy_of_each_run_in_its_records(device, tmp_path):
    command = f"run matrix --corpora synthetic-acted --architectures chance,cnn --limit 8 --set training.epochs=2 --jobs 1 --device {device}"
    ran = [sys.executable, "-m", "emonet_bench", *command.split(), "--results", str(tmp_path / "results")]
    subprocess.run(ran, check=True, cwd=tmp_path, capture_output=True, timeout=600)
    records = [json.loads(path.read_text()) for path in (tmp_path / "results").glob("*/result.json")]
    assert len(records) == 2
    for record in records:
        told = record["extensions"]["energy"]
        assert (told["joules"] is None) == (told["parts"] == {})
        assert told["seconds"] >= sum(record["seconds"].values()) - 0.1
        if device == "cuda" and record["spec"]["training"]["device"] == "cuda":
            assert "gpu" not in told["not_measured"]
            assert 0 < told["joules"] < 2_000 * told["seconds"]  # watts of no single card
