"""The machine in one line."""

import os

from emonet_bench.model_card.machine import machine


def test_it_names_processor_cores_and_system():
    assert "\n" not in machine()
    assert f"{len(os.sched_getaffinity(0))} cores" in machine() or "cores" in machine()
    assert machine().count(", ") >= 2
