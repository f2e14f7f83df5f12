"""What a run's record says of the machine, of time and of errors."""

import subprocess
import sys

import pytest
import torch

from emonet_bench.runs.facts import LONGEST_TEXT, RunError
from emonet_bench.runs.telemetry import describe_error, environment, peak_memory_mb, reset_peak_memory


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return describe_error(caught)


def test_an_error_keeps_its_type_message_and_traceback():
    told = raised(ValueError("odd"))
    assert (told.type, told.message) == ("ValueError", "odd")
    assert "test_telemetry.py" in told.traceback


def test_an_error_of_any_length_and_of_bytes_that_are_no_text_can_be_written_down():
    told = raised(ValueError("x" * 10**6 + "\udcff"))
    assert len(told.message) == LONGEST_TEXT
    assert told.traceback.endswith("\\udcff\n")
    assert RunError.model_validate_json(told.model_dump_json()) == told


@pytest.mark.skipif(sys.platform != "linux", reason="the peak can be forgotten on Linux only")
def test_a_cells_peak_memory_is_its_own():
    device, much = torch.device("cpu"), torch.ones(2**25)  # 128 MiB
    before = peak_memory_mb(device)
    del much
    reset_peak_memory(device)
    assert peak_memory_mb(device) < before - 64


def test_the_environment_names_versions_and_the_device():
    assert {"python", "torch", "emonet-bench", "platform", "cores"} < environment(torch.device("cpu")).keys()


def test_a_system_without_resource_imports_it_and_tells_no_peak():
    code = (
        "import sys; sys.modules['resource'] = None\n"
        "import pathlib; pathlib.Path.read_text = lambda *_, **__: ''\n"
        "import torch; from emonet_bench.runs.telemetry import peak_memory_mb\n"
        "print(peak_memory_mb(torch.device('cpu')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"
