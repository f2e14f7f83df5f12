"""The calling script: worker processes are spawned and import it, so it must be a file, and guarded."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.executors import PROCESSES


def check_script(executor: str) -> None:
    """Hold the script that runs a matrix to what its workers need.

    A worker process that meets the call for which it was started is ended with one line.

    Args:
        executor: Where the cells run.

    Raises:
        ConfigError: The script is no file, such as one from standard input.
    """
    _check_guarded()
    if executor == PROCESSES:
        _check_file()


def _check_guarded() -> None:
    frame = inspect.currentframe()
    while frame is not None:
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) == ("__mp_main__", "<module>"):
            script = frame.f_code.co_filename
            sys.exit(f'Error: {script}: put the call of run_matrix below the line  if __name__ == "__main__":')
        frame = frame.f_back


def _check_file() -> None:
    main = sys.modules["__main__"]
    script = getattr(main, "__file__", None)
    if script is not None and getattr(main, "__spec__", None) is None and not Path(script).exists():
        raise ConfigError(f"{script}: is no file that worker processes could import; save the script as one")
