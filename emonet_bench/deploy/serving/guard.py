"""The guard in front of all endpoints: who may ask, from which page, and a count of what was answered."""

from __future__ import annotations

import hmac
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers
from starlette.websockets import WebSocket

from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.deploy.serving.http import error_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from emonet_bench.deploy.serving.service import Service

OPEN = frozenset({"/", "/health", "/v2/health/live", "/v2/health/ready", "/openapi.json"})
"""What anybody may ask who reaches the server: nothing of a model or of audio."""

HEAD_BYTES = 2**14
"""Longest head of a request."""

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


class Guard:
    """Middleware: host, origin and API key; then the endpoint, whose time and status are counted.

    Args:
        app: What answers.
        service: Whose settings and counters; kept as an attribute, too.
        endpoints: The paths of its routes; all others are counted together.
    """

    def __init__(self, app: ASGIApp, service: Service, endpoints: Collection[str]) -> None:
        self.app = app
        self.service = service
        self._endpoints = endpoints
        self._keys = [key.encode() for key in service.settings.keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or stream."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        scope = _origin_form(scope)
        try:
            self._check(scope)
        except RequestError as error:
            await self._refuse(error, scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    def check_key(self, key: str) -> None:
        """Hold a key against those of the file; how long it takes says nothing of them.

        Raises:
            RequestError: 401; it is none of them.
        """
        given = key.encode(errors="replace")
        if self._keys and not any([hmac.compare_digest(given, own) for own in self._keys]):  # noqa: C419 - all of them
            hint = "missing or wrong; send 'Authorization: Bearer KEY'"
            raise RequestError(401, f"API key: {hint}", {"WWW-Authenticate": "Bearer"})

    def _check(self, scope: Scope) -> None:
        # h11 holds a head to its limit only while it is incomplete; one that comes in a single piece passes it.
        if (
            len(scope["raw_path"])
            + len(scope["query_string"])
            + sum(len(part) for pair in scope["headers"] for part in pair)
            > HEAD_BYTES
        ):
            raise head_too_long()
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        settings = self.service.settings
        if settings.hosts and _name(host) not in settings.hosts:
            raise RequestError(421, "Host: this server does not go by that name; name it with --allow-host")
        origin = headers.get("origin")
        if origin and urlsplit(origin).netloc != host and origin not in settings.origins:
            raise RequestError(403, "Origin: pages of other sites may not call this server; see --cors-origin")
        scope.setdefault("state", {})["check_key"] = self.check_key
        preflight = scope.get("method") == "OPTIONS" and origin in settings.origins  # carries no key, by its standard
        if scope["path"] in OPEN or preflight:
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        if scope["type"] == "http":
            self.check_key(given)
        elif given:  # a stream may bring it in its first message
            self.check_key(given)
            scope["state"]["check_key"] = lambda _: None

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            self._count(scope, status, time.perf_counter() - started)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        path = getattr(route, "path", None) or scope["path"]
        endpoint = path if path in self._endpoints else "other"
        self.service.requests.add(endpoint=endpoint, status=str(status))
        self.service.seconds.observe(seconds, endpoint=endpoint)

    async def _refuse(self, error: RequestError, scope: Scope, receive: Receive, send: Send) -> None:
        self._count(scope, error.status, 0.0)
        response = error_response(error)
        response.raw_headers += _HEADERS
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(response)
        else:
            await response(scope, receive, send)


def head_too_long() -> RequestError:
    """Say that a head is longer than the server takes."""
    return RequestError(431, f"head: longer than {HEAD_BYTES} bytes; send fewer or shorter headers")


def _origin_form(scope: Scope) -> Scope:
    """Bring ``GET http://host/path`` to ``GET /path`` and its own ``Host``: both ask for the same (RFC 9112, 3.2.2)."""
    scheme, colon, rest = scope["raw_path"].partition(b"://")
    if not colon or scheme.lower() not in {b"http", b"https", b"ws", b"wss"}:
        return scope
    host, _, path = rest.partition(b"/")
    raw = b"/" + path
    headers = [(b"host", host), *(pair for pair in scope["headers"] if pair[0] != b"host")]
    return {**scope, "path": unquote(raw.decode("ascii")), "raw_path": raw, "headers": headers}


def _name(host: str) -> str:
    """Return a ``Host`` header without its port.

    >>> _name("[::1]:8000"), _name("localhost")
    ('[::1]', 'localhost')
    """
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
