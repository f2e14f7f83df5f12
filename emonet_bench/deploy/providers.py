"""Execution providers of onnxruntime: where a model computes."""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
from typing import Any, Literal, get_args

from emonet_bench.errors import ConfigError

Providers = Literal["auto", "cpu", "cuda"]

CUDA = "CUDAExecutionProvider"

# Float32 as in training, and no search for the best convolution at every new length.
_OPTIONS = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}


def execution_providers(providers: Providers) -> list[Any]:
    """List execution providers for onnxruntime, the preferred one first.

    Raises:
        ConfigError: There are none of that name; or CUDA is asked for, and onnxruntime has none.
    """
    if providers not in get_args(Providers):
        raise ConfigError(f"providers: {providers!r} is not one of {', '.join(get_args(Providers))}")
    if providers == "cpu" or (providers == "auto" and not _has_driver()):
        return ["CPUExecutionProvider"]
    from emonet_bench.deploy.runtime import onnxruntime  # noqa: PLC0415 - the names of providers need it not

    if CUDA not in onnxruntime.get_available_providers():
        if providers == "cuda":
            raise ConfigError(
                "providers: this onnxruntime knows no CUDA; install onnxruntime-gpu in its place, or use cpu"
            )
        return ["CPUExecutionProvider"]
    onnxruntime.set_default_logger_severity(4)
    with contextlib.redirect_stdout(
        io.StringIO()
    ):  # it prints what it does not find; the session tells whether it matters
        getattr(onnxruntime, "preload_dlls", lambda: None)()
    return [(CUDA, _OPTIONS), "CPUExecutionProvider"]


def _has_driver() -> bool:
    with contextlib.suppress(OSError):
        return bool(ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"))
    return False
