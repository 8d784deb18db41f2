"""Health checks for load balancers: `/healthz` (liveness) and `/readyz` (readiness)."""

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
RESULT_TTL_SECONDS: Final = 2.0
"""Seconds that a report is kept, however many requests come."""
CHECK_TIMEOUT_SECONDS: Final = 3.0
"""Seconds that one check may take."""
OUTCOME_OK: Final = "ok"
Check = Callable[[], Awaitable[str | None]]
"""A public reason why this worker cannot serve; None when it can."""


@get("/healthz", sync_to_thread=False, include_in_schema=False)
def alive() -> Response[bytes]:
    """200 while requests are served."""
    return Response(_ALIVE, media_type="application/json", headers=_HEADERS)


@head("/healthz", sync_to_thread=False, include_in_schema=False)
def alive_head() -> Response[None]:
    """The same without a body."""
    return Response(None, media_type="application/json", headers=_HEADERS)


class ReadinessReport(Struct, frozen=True):
    """The results of all checks."""

    status: str
    """`ready`, or `unready`."""
    checks: Mapping[str, str]
    """`ok`, or the reason."""
    database: str = ""
    """Tells the database in use from every other; empty where there is none."""

    @property
    def code(self) -> int:
        """The HTTP status."""
        return int(HTTPStatus.OK if self.status == "ready" else HTTPStatus.SERVICE_UNAVAILABLE)


class ReadinessCheck:
    """Runs all checks on request, and keeps the report for `RESULT_TTL_SECONDS`.

    `displaced` is whether the database is no longer the one that was opened; no report is kept then.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        database: str = "",
        displaced: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        timeout: float = CHECK_TIMEOUT_SECONDS,
    ) -> None:
        self._checks = checks
        self._database = database
        self._displaced = displaced
        self._clock = clock
        self._timeout = timeout
        self._checked_at = float("-inf")
        self._report: ReadinessReport | None = None
        self._lock = asyncio.Lock()

    async def report(self) -> ReadinessReport:
        """Ready when every check passes. Never raises."""
        async with self._lock:
            kept = self._kept_report()
            if kept is not None:
                return kept
            results = {name: await self._result(check) for name, check in self._checks.items()}
            ready = all(result == OUTCOME_OK for result in results.values())
            self._report = ReadinessReport("ready" if ready else "unready", results, self._database)
            self._checked_at = self._clock()
            return self._report

    def _kept_report(self) -> ReadinessReport | None:
        """The last report while it tells what holds."""
        if self._clock() - self._checked_at >= RESULT_TTL_SECONDS or self._displaced():
            return None
        return self._report

    def routes(self) -> list[HTTPRouteHandler]:
        """GET and HEAD `/readyz`."""

        @get("/readyz", include_in_schema=False)
        async def ready() -> Response[bytes]:
            report = await self.report()
            body = msgspec.json.encode(report)
            return Response(body, status_code=report.code, media_type="application/json", headers=_HEADERS)

        @head("/readyz", include_in_schema=False)
        async def ready_head() -> Response[None]:
            code = (await self.report()).code
            return Response(None, status_code=code, media_type="application/json", headers=_HEADERS)

        return [ready, ready_head]

    async def _result(self, check: Check) -> str:
        try:
            async with asyncio.timeout(self._timeout):
                return await check() or OUTCOME_OK
        except TimeoutError:
            return "does not answer"
