"""The energy counter of an NVIDIA GPU, Volta or later, by NVML, the library behind ``nvidia-smi``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emonet_energy.rapl import NotMeasuredError


def gpu_counter() -> Mapping[str, Callable[[], float]]:
    """Return the counter of the GPU that this process trains on, by the GPU's name.

    Raises:
        NotMeasuredError: It has none, or there is no driver that tells.
    """
    import pynvml  # noqa: PLC0415 - only where a run is on a GPU
    import torch  # noqa: PLC0415

    try:
        gpu = torch.cuda.get_device_properties(torch.cuda.current_device())
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{gpu.uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError as error:
        raise NotMeasuredError(f"NVML: {error}") from None
    except (RuntimeError, AssertionError) as error:  # torch's, where there is no GPU
        raise NotMeasuredError(" ".join(str(error).split())[:200]) from None
    return {gpu.name: lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3}  # millijoules
