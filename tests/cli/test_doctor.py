"""``emonet-bench doctor`` on machines that are healthy or broken in one way; libraries are stand-ins in ``sys.modules``."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.cli.doctor import examine
from emonet_bench.plugins.loading import Selection


def library(name, **content):
    """A module that is imported in place of the real one."""
    module = ModuleType(name)
    module.__dict__.update(content)
    return module


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A healthy machine without a GPU, its torch and its onnxruntime; what is broken on it is up to the test."""
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("EMONET_BENCH_CORPORA_DIR", raising=False)
    cuda = SimpleNamespace(is_available=lambda: False)
    told = SimpleNamespace(cuda="12.9")
    torch = library("torch", __version__="2.11.0", cuda=cuda, version=told, get_num_threads=lambda: 3)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torchaudio", library("torchaudio", __version__="2.11.0"))
    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    runtime = library("onnxruntime", get_available_providers=lambda: offered)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    return tmp_path


def findings(selection=None):
    return {finding.what: finding for finding in examine(selection or Selection())}


def doctor():
    return CliRunner().invoke(main, ["doctor"])


def test_a_healthy_machine_needs_nothing(machine):
    found = findings()
    assert {what: finding.remedy for what, finding in found.items() if finding.remedy} == {}
    names = ["emonet-bench", "torch", "torchaudio", "cuda", "onnxruntime", "plugins", "corpora", "cache"]
    assert list(found) == names
    assert found["cuda"].state == "no device; cells run on the CPU, 3 cores"
    assert found["onnxruntime"].state.endswith("offers CUDA, CPU")
    done = doctor()
    assert done.exit_code == 0
    assert f"cache: {machine / 'cache'}" in done.stdout


def test_each_gpu_is_named_with_its_memory(machine, monkeypatch):
    cards = [SimpleNamespace(name=name, total_memory=size << 30) for name, size in (("A", 24), ("B", 80))]
    device = {"is_available": lambda: True, "device_count": lambda: 2, "get_device_properties": cards.__getitem__}
    monkeypatch.setattr(sys.modules["torch"], "cuda", SimpleNamespace(**device))
    assert [findings()[f"cuda:{index}"].state for index in (0, 1)] == ["A, 24 GiB", "B, 80 GiB"]


@pytest.mark.skipif(sys.platform == "win32", reason="writes a shell script")
def test_a_driver_that_torch_does_not_see_is_too_old(machine):
    (machine / "bin").mkdir()
    (machine / "bin" / "nvidia-smi").write_text("#!/bin/sh\n")
    (machine / "bin" / "nvidia-smi").chmod(0o755)
    assert findings()["cuda"].remedy == "Update the NVIDIA driver: this torch was built for CUDA 12.9."


def test_two_onnxruntimes_are_to_be_uninstalled(machine, monkeypatch):
    for name in ("onnxruntime", "onnxruntime_gpu"):
        described = machine / "site" / f"{name}-1.2.dist-info"
        described.mkdir(parents=True)
        (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.2\n")
    monkeypatch.syspath_prepend(machine / "site")
    found = findings()["onnxruntime"]
    assert found.state == "onnxruntime 1.2 and onnxruntime-gpu 1.2"
    assert "pip uninstall onnxruntime onnxruntime-gpu" in found.remedy


@pytest.mark.parametrize("name", ["torch", "torchaudio", "onnxruntime"])
def test_a_library_that_cannot_be_imported_is_to_be_reinstalled(machine, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    found = findings()
    assert found[name].state.startswith(f"ModuleNotFoundError: import of {name} halted")
    assert "pip install --force-reinstall emonet-bench" in found[name].remedy
    assert found["cache"].remedy is None, "the rest is looked at"


def test_whatever_a_library_raises_the_rest_is_looked_at(machine, monkeypatch):
    def fail():
        raise RuntimeError("driver\nlost")

    monkeypatch.setattr(sys.modules["torch"], "cuda", SimpleNamespace(is_available=fail))
    found = findings()
    assert found["torch"].state == "RuntimeError: driver lost"
    assert found["cache"].remedy is None


def test_a_cache_that_cannot_be_written_is_named_with_its_variable(machine, monkeypatch):
    (machine / "file").write_text("")
    monkeypatch.setenv("EMONET_BENCH_CACHE_DIR", str(machine / "file" / "cache"))
    assert "EMONET_BENCH_CACHE_DIR" in findings()["cache"].remedy
    done = doctor()
    assert done.exit_code == 1
    assert "1 of these needs attention." in done.stdout


def test_broken_plugins_and_a_missing_corpora_directory_are_named(machine):
    path = machine / "mine.py"
    path.write_text("import absent_module")
    found = findings(Selection(files=(path,), corpora_dir=machine / "absent", strict=True))
    assert "absent_module" in found[f"plugin mine ({path})"].state
    assert "--corpora-dir" in found["corpora"].remedy
