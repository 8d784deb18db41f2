"""Access log: ASGI middleware that reports each request once its response has ended, without query and secrets."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import Struct

from storefront_mcp.web.security import masked_path

log: Final = logging.getLogger("storefront_mcp.access")


class LoggedRequest(Struct, frozen=True, kw_only=True):
    """One request and how it ended."""

    method: str
    path: str
    """Masked: see `masked_path`."""
    status: int
    """0 where no response began."""
    milliseconds: float
    body: bytes
    """The request body's first bytes, as many as `AccessLog` was told to keep."""


def log_request(request: LoggedRequest) -> None:
    """One line of the log `storefront_mcp.access`."""
    log.info("%s %s %d %.0f ms", request.method, request.path, request.status, request.milliseconds)


class AccessLog:
    """The middleware; `write` is called once for each request."""

    def __init__(
        self, app: ASGIApp, write: Callable[[LoggedRequest], None] = log_request, *, body_bytes: int = 0
    ) -> None:
        """`body_bytes` of each request body are kept for `write`."""
        self._app = app
        self._write = write
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        status, body, began = 0, bytearray(), time.perf_counter()

        async def receive_and_keep() -> Any:  # noqa: ANN401 -- an ASGI event
            event: Any = await receive()
            body.extend(event.get("body", b"")[: self._body_bytes - len(body)])
            return event

        async def send_and_note(message: Message) -> None:
            nonlocal status
            # `http.response.start`, or the one event of `WHOLE_RESPONSE`.
            status = int(message.get("status", status))  # type: ignore[call-overload]
            await send(message)

        try:
            await self._app(scope, receive_and_keep if self._body_bytes else receive, send_and_note)
        finally:
            self._write(
                LoggedRequest(
                    method=scope["method"],
                    path=masked_path(scope["path"]),
                    status=status,
                    milliseconds=(time.perf_counter() - began) * 1_000,
                    body=bytes(body),
                )
            )
