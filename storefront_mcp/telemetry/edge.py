"""Count requests where they come in: an ASGI application around the whole server, there only while somebody counts."""

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any, Final

from storefront_mcp.telemetry.numbers import Numbers
from storefront_mcp.telemetry.tally import OTHER

Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STREAM: Final = b"text/event-stream"
STATUS: Final = {number: str(number) for number in range(100, 600)}
CUT_OFF: Final = "499"
"""The status of a request that never began to be answered."""


class Edge:
    """Stands before the app."""

    def __init__(self, app: App, numbers: Numbers, stores: Mapping[str, str], routes: Collection[str]) -> None:
        """`stores` are ids by Host value; of `routes`, those that end in a slash stand for all that is below them."""
        self._app = app
        self._numbers = numbers
        self._stores = {host.encode(): store for host, store in stores.items()}
        rooms = {route for route in routes if route.endswith("/") and route != "/"}
        self._rooms = tuple(sorted(rooms, key=len, reverse=True))
        self._routes = {route: route for route in routes if route not in rooms}

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:  # noqa: ANN401 -- ASGI
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        numbers = self._numbers
        began, status = numbers.clock(), CUT_OFF
        headers: Any = ()
        streams: Any = None
        store = ""
        for name, value in scope["headers"]:
            if name == b"host":
                store = self._stores.get(value, "")
                break

        # Not a coroutine itself: every layer of those costs as much as the counting.
        def seen(message: Any) -> Awaitable[None]:  # noqa: ANN401 -- an ASGI event
            nonlocal headers, status, streams
            # The event that begins an answer, or is a whole one.
            if "status" in message:
                status, headers = STATUS[message["status"]], message["headers"]
            elif streams is None and message.get("more_body") and (b"content-type", STREAM) in headers:
                streams = numbers.streams.labels(store)
                streams.inc()
            return send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            if streams is not None:
                streams.dec()
            method, path = scope["method"], scope["path"]
            route = self._routes.get(path) or self._room(path)
            seconds = numbers.clock() - began
            numbers.requests.add((store, route, method if method in METHODS else OTHER, status), seconds)

    def _room(self, path: str) -> str:
        for room in self._rooms:
            if path.startswith(room):
                return room
        return OTHER
