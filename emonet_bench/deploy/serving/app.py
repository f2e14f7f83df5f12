"""The application: routes of all endpoints, behind the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.deploy.serving.guard import Guard
from emonet_bench.deploy.serving.http import Audio, error_response, with_body
from emonet_bench.deploy.serving.kserve import KServe
from emonet_bench.deploy.serving.openapi import document
from emonet_bench.deploy.serving.page import POLICY, served_page
from emonet_bench.deploy.serving.service import Service
from emonet_bench.deploy.serving.stream import Streams
from emonet_bench.errors import EmonetBenchError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from emonet_bench.deploy.serving.settings import Settings


def create_app(settings: Settings) -> ASGIApp:
    """Open the models and make the ASGI application that serves them.

    Raises:
        ConfigError: A model cannot be opened.
    """
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        service.close()

    routes = _routes(service)
    handlers: dict[Any, Any] = {EmonetBenchError: _explained, HTTPException: _named, Exception: _broken}
    methods, headers = ["GET", "POST"], ["Authorization", "X-API-Key", "Content-Type"]
    cors = Middleware(CORSMiddleware, allow_origins=settings.origins, allow_methods=methods, allow_headers=headers)
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers=handlers,
        middleware=[cors] if settings.origins else [],
    )
    return Guard(app, service, {route.path for route in routes if isinstance(route, Route | WebSocketRoute)})


def _routes(service: Service) -> list[BaseRoute]:
    audio, kserve = Audio(service), KServe(service)
    infer = with_body(service, kserve.infer)
    described = JSONResponse(document()).body
    model = "/v2/models/{name}"
    version = model + "/versions/{version}"

    async def openapi(_: Request) -> Response:
        return Response(described, media_type="application/json")

    async def page(_: Request) -> Response:
        return HTMLResponse(served_page(service), headers={"Content-Security-Policy": POLICY})

    return [
        Route("/", page),
        Route("/openapi.json", openapi),
        Route("/health", audio.health),
        Route("/metrics", audio.metrics),
        Route("/v1/models", audio.models),
        Route("/v1/audio/emotions", with_body(service, audio.emotions), methods=["POST"]),
        WebSocketRoute("/v1/stream", Streams(service).stream),
        Route("/v2", kserve.server),
        Route("/v2/health/live", kserve.live),
        Route("/v2/health/ready", kserve.ready),
        *(Route(path, kserve.model) for path in (model, version)),
        *(Route(path + "/ready", kserve.model_ready) for path in (model, version)),
        *(Route(path + "/infer", infer, methods=["POST"]) for path in (model, version)),
    ]


async def _explained(_: Request, error: EmonetBenchError) -> Response:
    return error_response(error)


async def _named(_: Request, error: HTTPException) -> Response:
    return error_response(RequestError(error.status_code, f"{error.detail}; see /openapi.json", error.headers))


async def _broken(_: Request, __: Exception) -> Response:
    return error_response(RequestError(500, "the server made a mistake; its log says which"))
