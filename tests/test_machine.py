"""Cores and memory of a container, by control groups of either version, written into a folder that stands for the system."""

import os
import sys
from pathlib import Path

import pytest

from emonet_bench import machine

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def system(folder, groups, **files):
    """Write ``/proc/self/cgroup`` and files below ``/sys/fs/cgroup``."""
    (folder / "proc/self").mkdir(parents=True)
    (folder / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        file = folder / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        ("0::/\n", {"cpu.max": "100000 100000\n"}),
        ("0::/a/b\n", {"cpu.max": "max 100000\n", "a/cpu.max": "150000 100000\n", "a/b/cpu.max": "max 100000\n"}),
        ("0::/elsewhere\n", {"cpu.max": "50000 100000\n"}),
        ("4:cpu,cpuacct:/docker/x\n", {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}),
        ("4:cpu:/x\n", {"cpu/x/cpu.cfs_quota_us": "199999", "cpu/x/cpu.cfs_period_us": "100000"}),
    ],
    ids=["v2", "v2: a group above", "v2: outside", "v1: a container", "v1: a group"],
)
def test_a_quota_of_one_core_is_one_core(tmp_path, groups, files):
    assert machine.cores(system(tmp_path, groups, **files)) == 1


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}),
        ("0::/\n", {"cpu.max": "nonsense"}),
        ("", {}),
    ],
)
def test_without_a_quota_the_affinity_counts(tmp_path, groups, files):
    assert machine.cores(system(tmp_path, groups, **files)) == HERE


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="POSIX")
@pytest.mark.parametrize(
    ("groups", "files"),
    [
        ("0::/a\n", {"memory.max": "max", "a/memory.max": str(100 * 2**20)}),
        ("9:memory:/a\n", {"memory/a/memory.limit_in_bytes": str(100 * 2**20)}),
    ],
)
def test_a_memory_limit_holds(tmp_path, groups, files):
    assert machine.memory_mb(system(tmp_path, groups, **files)) == 100


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_machines_memory_is_what_the_system_says_or_less():
    total = int(Path("/proc/meminfo").read_text().partition("MemTotal:")[2].split()[0]) // 1024
    assert 0 < machine.memory_mb() <= total
