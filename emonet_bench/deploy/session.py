"""The session: an ONNX file opened by onnxruntime, at once or when it is first needed."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from emonet_bench.deploy.providers import CUDA, execution_providers
from emonet_bench.deploy.runtime import onnxruntime
from emonet_bench.errors import ConfigError
from emonet_bench.files import check_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emonet_bench.deploy.providers import Providers


def open_session(path: Path, providers: Providers) -> onnxruntime.InferenceSession:
    """Open any ONNX file.

    Args:
        path: The file.
        providers: Where to compute.

    Raises:
        ConfigError: It is missing or not ONNX; or CUDA was asked for and does not work.
    """
    check_regular(path, "model")
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; give a model written by 'emonet-bench export'")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # what fails is raised as well
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=execution_providers(providers), enable_fallback=0
        )
    except ConfigError:
        raise
    except Exception as error:  # onnxruntime's exceptions share no parent
        raise ConfigError(f"{path}: not an ONNX file that onnxruntime can load ({reason(error)})") from error
    if providers == "cuda" and CUDA not in session.get_providers():
        raise ConfigError("providers: CUDA does not start here (no GPU, or not its libraries); use cpu")
    return session


class LateSession:
    """A session that is opened when it is first asked for something, by any number of threads.

    Args:
        opened: Opens it.
    """

    def __init__(self, opened: Callable[[], onnxruntime.InferenceSession]) -> None:
        self._opened = opened
        self._lock = Lock()
        self._session: onnxruntime.InferenceSession | None = None

    def __getattr__(self, name: str) -> Any:
        """Return what the session has under this name."""
        with self._lock:
            self._session = self._session or self._opened()
        return getattr(self._session, name)


def reason(error: Exception) -> str:
    """Return the first line of what onnxruntime says of a failure."""
    return str(error).strip().partition("\n")[0]
