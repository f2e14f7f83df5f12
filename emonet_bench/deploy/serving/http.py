"""HTTP endpoints for audio, and what they say of the server."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from emonet_bench.deploy.abstention import label_of
from emonet_bench.deploy.serving.body import parse_form, read_body
from emonet_bench.deploy.serving.errors import Disconnected, RequestError, as_request_error, busy
from emonet_bench.deploy.serving.metrics import CONTENT_TYPE
from emonet_bench.deploy.serving.options import Options, parse_options
from emonet_bench.deploy.serving.service import Segment, Service, ranked
from emonet_bench.errors import EmonetBenchError

if TYPE_CHECKING:
    from starlette.requests import Request

    from emonet_bench.deploy.serving.models import ServedModel

Body = Callable[["Request", bytes, Any], Awaitable[Response]]

CLIENT_LEFT = 499
"""Status under which requests are counted whose client left."""


def error_response(error: EmonetBenchError) -> JSONResponse:
    """Answer with a status and one line."""
    told = as_request_error(error)
    return JSONResponse({"error": told.message}, told.status, told.headers)


def with_body(service: Service, answer: Body) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint that reads its body, is admitted and ends in time.

    Args:
        service: Whose limits count.
        answer: Called with the request, its body and what it holds.
    """

    @wraps(answer)
    async def endpoint(request: Request) -> Response:
        body: bytes | None = None
        try:
            async with asyncio.timeout(service.limits.request_seconds):
                with service.admission.request() as held:
                    body = await read_body(request, held, service.limits.body_bytes)
                    return await answer(request, body, held)
        except TimeoutError:
            if body is None:
                return error_response(RequestError(408, "body: came too slowly; send it faster, or in parts"))
            return error_response(busy(f"no answer within {service.limits.request_seconds:g} s", 5))
        except Disconnected:
            return Response(status_code=CLIENT_LEFT)
        except EmonetBenchError as error:
            return error_response(error)

    return endpoint


class Audio:
    """Endpoints that take audio and tell of models.

    Args:
        service: What answers.
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    async def emotions(self, request: Request, body: bytes, held: Any) -> Response:
        """Answer a form with segments, and a raw body, or its base64, with the audio-classification schema."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return await self._segments(request, body, held)
        if kind in {"application/x-www-form-urlencoded", "text/plain"}:
            raise RequestError(415, f"Content-Type: {kind} is no audio; send multipart/form-data, or audio/* itself")
        given = dict(request.query_params)
        if kind == "application/json":
            body, parameters = await self.service.parsed(_inputs, body)
            given |= parameters
        options = parse_options(given)
        if options.window or options.hop:
            raise RequestError(400, "window: needs a form; send multipart/form-data with the audio in 'file'")
        served = self.service.find(options.model)
        (one,) = await self.service.listen(body, served, options, held)
        return JSONResponse(ranked(served.task(options.task).labels, one.row, options.top_k))

    async def _segments(self, request: Request, body: bytes, held: Any) -> Response:
        fields, file = await self.service.parsed(parse_form, body, request.headers["content-type"])
        options = parse_options({**request.query_params, **fields})
        served = self.service.find(options.model)
        found = await self.service.listen(file, served, options, held)
        return JSONResponse(described(served, options, found))

    async def models(self, _: Request) -> Response:
        """List the models."""
        return JSONResponse({"object": "list", "data": [served.facts() for served in self.service.models.values()]})

    async def health(self, _: Request) -> Response:
        """Say that the server answers."""
        return JSONResponse({"status": "ok"})

    async def metrics(self, _: Request) -> Response:
        """Write the metrics."""
        return PlainTextResponse(self.service.exposition(), media_type=CONTENT_TYPE)


def described(served: ServedModel, options: Options, found: list[Segment]) -> dict[str, Any]:
    """Tell all that is known of a clip."""
    facts = served.facts(options.task)
    labels = served.task(options.task).labels
    return {
        "model": served.name,
        "task": options.task,
        **{name: facts[name] for name in ("run_id", "corpus", "protocol", "protocol_id", "licence", "synthetic")},
        "labels": list(labels),
        "seconds": found[-1].end,
        "segments": [segment_json(labels, one, options.top_k, served.threshold) for one in found],
    }


def segment_json(labels: Any, one: Segment, top_k: int | None, threshold: float | None) -> dict[str, Any]:
    """Tell what is known of a stretch; its label is ``uncertain`` below a threshold."""
    label, scores = label_of(labels, one.row, threshold), ranked(labels, one.row, top_k)
    return {"start": one.start, "end": one.end, "label": label, "scores": scores}


def _inputs(body: bytes) -> tuple[bytes, Mapping[str, Any]]:
    """Read ``{"inputs": base64, "parameters": {...}}``, as Hugging Face's clients send audio that has parameters."""
    try:
        given = json.loads(body)
        audio = base64.b64decode(given["inputs"], validate=True)
        parameters = given.get("parameters") or {}
        chosen = {name: value for name, value in parameters.items() if value is not None}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise RequestError(400, 'body: must be {"inputs": audio in base64, "parameters": {"top_k": ...}}') from error
    if chosen.pop("function_to_apply", "softmax") != "softmax":
        raise RequestError(400, "function_to_apply: the model gives probabilities; only softmax is known")
    return audio, chosen
