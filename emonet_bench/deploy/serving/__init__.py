"""The server: exported models over HTTP and WebSocket, and a page to try them. Needs the extra ``serve``.

>>> from emonet_bench.deploy.serving import Settings, serve
>>> serve(Settings(models=(Path("model.onnx"),)), port=8000)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emonet_bench.deploy.serving.settings import Limits, Settings, read_keys
from emonet_bench.errors import ConfigError

if TYPE_CHECKING:
    from emonet_bench.deploy.serving.app import create_app
    from emonet_bench.deploy.serving.server import serve
    from emonet_bench.deploy.serving.triton import triton_config

__all__ = ["Limits", "Settings", "create_app", "read_keys", "serve", "triton_config"]

_NEEDED = ("h11", "python_multipart", "starlette", "uvicorn", "websockets")  # the extra ``serve``
_LAZY = {"create_app": "app", "serve": "server", "triton_config": "triton"}


def __getattr__(name: str) -> Any:
    # Lazy, so that the settings need neither a web framework nor onnxruntime.
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    try:
        module = import_module(f"{__name__}.{_LAZY[name]}")
    except ModuleNotFoundError as error:
        names = [name.replace("_", "-") for name in _NEEDED]
        if error.name in _NEEDED:
            raise ConfigError(f"serve: needs the package {error.name}; pip install {' '.join(names)}") from error
        raise
    return getattr(module, name)
