"""ASGI middleware that counts and times HTTP requests; installed only where metrics are on."""

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any, Final

from storefront_mcp.telemetry.batching import OTHER_LABEL
from storefront_mcp.telemetry.prometheus import PrometheusMetrics

Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
EVENT_STREAM_TYPE: Final = b"text/event-stream"
STATUS: Final = {number: str(number) for number in range(100, 600)}
CUT_OFF_STATUS: Final = "499"
"""Recorded for a request whose client left before the response began."""


class HttpMetricsMiddleware:
    """Counts and times every HTTP request of the whole server, and its open event streams."""

    def __init__(
        self, app: App, numbers: PrometheusMetrics, stores: Mapping[str, str], routes: Collection[str]
    ) -> None:
        """`stores` are ids by Host value; a route that ends in a slash stands for all paths below it."""
        self._app = app
        self._numbers = numbers
        self._stores = {host.encode(): store for host, store in stores.items()}
        prefixes = {route for route in routes if route.endswith("/") and route != "/"}
        self._prefixes = tuple(sorted(prefixes, key=len, reverse=True))
        self._routes = {route: route for route in routes if route not in prefixes}

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:  # noqa: ANN401 -- ASGI
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        numbers = self._numbers
        began, status = numbers.clock(), CUT_OFF_STATUS
        headers: Any = ()
        streams: Any = None
        store = ""
        for name, value in scope["headers"]:
            if name == b"host":
                store = self._stores.get(value, "")
                break

        # Not a coroutine: one more of those costs as much as the counting.
        def record(message: Any) -> Awaitable[None]:  # noqa: ANN401 -- an ASGI event
            nonlocal headers, status, streams
            # http.response.start, or the one event that is a whole response.
            if "status" in message:
                status, headers = STATUS[message["status"]], message["headers"]
            elif streams is None and message.get("more_body") and (b"content-type", EVENT_STREAM_TYPE) in headers:
                streams = numbers.streams.labels(store)
                streams.inc()
            return send(message)

        try:
            await self._app(scope, receive, record)
        finally:
            if streams is not None:
                streams.dec()
            method, path = scope["method"], scope["path"]
            route = self._routes.get(path) or self._prefix(path)
            seconds = numbers.clock() - began
            numbers.requests.add((store, route, method if method in KNOWN_METHODS else OTHER_LABEL, status), seconds)

    def _prefix(self, path: str) -> str:
        for prefix in self._prefixes:
            if path.startswith(prefix):
                return prefix
        return OTHER_LABEL
