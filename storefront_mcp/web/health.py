"""Whether the process is alive, and whether it can serve: what load balancers ask."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from litestar import get, head
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from msgspec import Struct

_ALIVE = b'{"status":"ok"}'
_HEADERS = {"cache-control": "no-store", "access-control-allow-origin": "*"}
KEPT: Final = 2.0
"""Seconds that an answer holds: however many ask, we look no oftener."""
PATIENCE: Final = 3.0
"""Seconds that one check may take."""
OK: Final = "ok"
Check = Callable[[], Awaitable[str | None]]
"""Why we cannot serve, for anybody to read; None when we can."""


@get("/healthz", sync_to_thread=False, include_in_schema=False)
def alive() -> Response[bytes]:
    """200 while requests are served."""
    return Response(_ALIVE, media_type="application/json", headers=_HEADERS)


@head("/healthz", sync_to_thread=False, include_in_schema=False)
def alive_head() -> Response[None]:
    """The same without a body."""
    return Response(None, media_type="application/json", headers=_HEADERS)


class Standing(Struct, frozen=True):
    """What came of all checks."""

    status: str
    """`ready`, or `unready`."""
    checks: Mapping[str, str]
    """`ok`, or the reason."""

    @property
    def code(self) -> int:
        """The HTTP status."""
        return int(HTTPStatus.OK if self.status == "ready" else HTTPStatus.SERVICE_UNAVAILABLE)


class Readiness:
    """Looks when it is asked, and remembers for a moment."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE,
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._patience = patience
        self._looked_at = float("-inf")
        self._standing: Standing | None = None
        self._looking = asyncio.Lock()

    async def standing(self) -> Standing:
        """Ready when no check has a reason against it. Never raises."""
        async with self._looking:
            if self._standing is None or self._clock() - self._looked_at >= KEPT:
                found = {name: await self._result(check) for name, check in self._checks.items()}
                ready = all(result == OK for result in found.values())
                self._standing = Standing("ready" if ready else "unready", found)
                self._looked_at = self._clock()
            return self._standing

    def routes(self) -> list[HTTPRouteHandler]:
        """GET and HEAD `/readyz`."""

        @get("/readyz", include_in_schema=False)
        async def ready() -> Response[bytes]:
            standing = await self.standing()
            body = msgspec.json.encode(standing)
            return Response(body, status_code=standing.code, media_type="application/json", headers=_HEADERS)

        @head("/readyz", include_in_schema=False)
        async def ready_head() -> Response[None]:
            code = (await self.standing()).code
            return Response(None, status_code=code, media_type="application/json", headers=_HEADERS)

        return [ready, ready_head]

    async def _result(self, check: Check) -> str:
        try:
            async with asyncio.timeout(self._patience):
                return await check() or OK
        except TimeoutError:
            return "does not answer"
