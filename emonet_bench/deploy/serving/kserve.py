"""KServe's V2 inference protocol (Open Inference Protocol): tensors in and out, as JSON or binary.

https://github.com/kserve/open-inference-protocol; binary tensors as in Triton's extension. The tensors are those of the
ONNX file itself: nothing is decoded, resampled or rounded here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.responses import JSONResponse, Response

from emonet_bench import __version__
from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.deploy.serving.tensors import HEADER_LENGTH, Wanted, encode, parse_request
from emonet_bench.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from emonet_bench.deploy.model import Model
    from emonet_bench.deploy.serving.models import ServedModel
    from emonet_bench.deploy.serving.service import Service

Tensor = np.ndarray[Any, Any]

INPUTS = {"waveform": "FP32", "lengths": "INT64", "task": "INT64"}
_PLATFORM = "onnxruntime_onnx"
_VERSION = "1"
_SHAPES = {"waveform": [-1, -1], "lengths": [-1], "task": []}
_MOST_ROWS = 64


class KServe:
    """Endpoints of the V2 protocol.

    Args:
        service: What answers.
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    async def server(self, _: Request) -> Response:
        """Describe the server."""
        return JSONResponse({"name": "emonet-bench", "version": __version__, "extensions": ["binary_tensor_data"]})

    async def live(self, _: Request) -> Response:
        """Say that the server runs."""
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        """Say that all models are loaded; the server does not listen before."""
        return JSONResponse({"ready": True})

    async def model(self, request: Request) -> Response:
        """Describe a model's tensors."""
        served = self._find(request)
        inputs = [
            {"name": value.name, "datatype": INPUTS[value.name], "shape": _SHAPES[value.name]}
            for value in served.model.session.get_inputs()
        ]
        outputs = [
            {"name": value.name, "datatype": "FP32", "shape": [-1, *value.shape[1:]]}
            for value in served.model.session.get_outputs()
        ]
        facts = {"name": served.name, "versions": [_VERSION], "platform": _PLATFORM}
        return JSONResponse({**facts, "inputs": inputs, "outputs": outputs})

    async def model_ready(self, request: Request) -> Response:
        """Say that a model is loaded."""
        return JSONResponse({"name": self._find(request).name, "ready": True})

    async def infer(self, request: Request, body: bytes, held: Any) -> Response:
        """Run a model on tensors."""
        served = self._find(request)
        size = request.headers.get(HEADER_LENGTH)
        given, identifier, wanted = await self.service.in_thread(parse_request, body, size)
        held.take(sum(tensor.nbytes for tensor in given.values()))
        names = [value.name for value in served.model.session.get_outputs()]
        if unknown := [one.name for one in wanted if one.name not in names]:
            raise RequestError(400, f"outputs: {served.name} has no {unknown[0][:40]!r}; it has {', '.join(names)}")
        feed = self._checked(served, given)
        asked = wanted or [Wanted(name, binary=False) for name in names]
        run = partial(_run, served.model, [one.name for one in asked], feed)
        found = await self.service.scheduler.call(run)
        seconds = float(feed["lengths"].sum()) / served.model.sampling_rate
        self.service.audio_seconds.add(seconds, model=served.name)
        head = {"model_name": served.name, "model_version": _VERSION, **({"id": identifier} if identifier else {})}
        content, length = encode(head, list(zip(asked, found, strict=True)))
        if length is None:
            return Response(content, media_type="application/json")
        return Response(content, media_type="application/octet-stream", headers={HEADER_LENGTH: str(length)})

    def _find(self, request: Request) -> ServedModel:
        version = request.path_params.get("version", _VERSION)
        served = self.service.find(request.path_params["name"])
        if version != _VERSION:
            raise RequestError(404, f"version: {served.name} has only {_VERSION}")
        return served

    def _checked(self, served: ServedModel, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Hold tensors to what the model takes."""
        model = served.model
        needed = {value.name for value in model.session.get_inputs()}
        if set(given) != needed:
            raise RequestError(
                400, f"inputs: must be {', '.join(sorted(needed))}; are {', '.join(sorted(given))[:200] or 'none'}"
            )
        for name, tensor in given.items():
            dtype = np.float32 if INPUTS[name] == "FP32" else np.int64
            if tensor.dtype != dtype:
                raise RequestError(400, f"{name}: must be {INPUTS[name]}")
        waveform = given["waveform"]
        lengths = given.get("lengths", np.full(waveform.shape[:1], waveform.shape[-1] if waveform.ndim else 0))
        if waveform.ndim != 2 or not waveform.size or lengths.shape != waveform.shape[:1]:  # noqa: PLR2004
            raise RequestError(
                400,
                f"waveform, lengths: must be (batch, samples) and (batch); are {waveform.shape} and {lengths.shape}",
            )
        if len(waveform) > _MOST_ROWS or waveform.shape[1] > self.service.limits.audio_seconds * model.sampling_rate:
            raise RequestError(
                413, f"waveform: more than {_MOST_ROWS} rows, or longer than {self.service.limits.audio_seconds:g} s"
            )
        if lengths.min() < 1 or lengths.max() > waveform.shape[1]:
            raise RequestError(400, "lengths: must be from 1 to the samples of a row")
        if not np.isfinite(waveform).all():
            raise RequestError(400, "waveform: holds NaN or infinite samples")
        return _with_task(given, len(served.tasks))


def _with_task(given: Mapping[str, Tensor], tasks: int) -> dict[str, Tensor]:
    feed = dict(given)
    if "task" in feed:
        if feed["task"].size != 1 or not 0 <= feed["task"].item() < tasks:
            raise RequestError(400, "task: must be one number, counted from 0 in the order of the tasks")
        feed["task"] = feed["task"].reshape(())
    return feed


def _run(model: Model, names: list[str], feed: dict[str, Tensor]) -> list[Tensor]:
    try:
        found: list[Tensor] = model.session.run(names, feed)
    except Exception as error:  # onnxruntime's exceptions share no parent
        raise AudioError("too much for onnxruntime; send fewer or shorter rows") from error
    return found
