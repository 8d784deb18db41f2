"""Health checks of one store for the console: the doctor's, and its own of the database and the cache."""

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from storefront_mcp.app.cache_health import CacheHealthCheck
from storefront_mcp.console.dependencies import TitledFinding
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.findings import Finding, fault, ok, warning, worst_level

if TYPE_CHECKING:
    from storefront_mcp.doctor.patient import ExaminationSubject
    from storefront_mcp.doctor.report import CheckResult

CHECK_TIMEOUT_SECONDS: Final = 6.0
SLOW_SHOP_SECONDS: Final = 1.5
TILES: Final[Mapping[str, Sequence[str]]] = {
    "Shop": ("shop.reached",),
    "Clock": ("shop.clock",),
    "Mirror": ("catalogue.mirror",),
    "Payment": ("payments.provider", "payments.key", "payments.webhooks", "payments.mode"),
}
"""Ids of the doctor's checks by the title that the health page gives them together."""


class StoreHealthChecks:
    """The health checks of one store. Nothing is made or asked before the first run."""

    def __init__(
        self,
        subject: "Callable[[], ExaminationSubject]",
        database: DatabaseReadiness,
        *,
        rests: Callable[[], bool],
        cache: CacheHealthCheck,
        forwarding: Callable[[], Finding],
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`subject` makes the store as the doctor examines it; `rests` says whether the shop's circuit is open.

        `forwarding` says whether clients can be told apart.
        """
        self._make = subject
        self._made: ExaminationSubject | None = None
        self._database = database
        self._rests = rests
        self._cache = cache
        self._forwarding = forwarding
        self._now = now
        self._clock = clock

    async def check(self) -> Sequence[TitledFinding]:
        """Run all of them at once."""
        examined, database, cache = await asyncio.gather(self._examine(), self._check_database(), self._cache.check())
        return [*examined, ("Database", database), ("Cache", cache), ("Client addresses", self._forwarding())]

    async def close(self) -> None:
        """Close the connections."""
        await self._cache.close()
        if self._made is not None and self._made.behind is not None:
            await self._made.behind.close()
            await self._made.behind.probe.close()

    async def _examine(self) -> Sequence[TitledFinding]:
        # Large, and a server may never show this page.
        from storefront_mcp.doctor import ALL_CHECKS, TimeBudget, run_checks  # noqa: PLC0415
        from storefront_mcp.doctor.patient import ExaminedStore  # noqa: PLC0415

        if self._made is None:
            self._made = self._make()
        patient = ExaminedStore(self._made, None, now=self._now)
        patient.behind.probe.responses.clear()
        wanted = {id_ for ids in TILES.values() for id_ in ids}
        checks = [one for one in ALL_CHECKS if one.id in wanted]
        results = await run_checks(patient, checks, TimeBudget(check=CHECK_TIMEOUT_SECONDS))
        found = {title: _summary([one for one in results if one.check.id in ids]) for title, ids in TILES.items()}
        answered = next(one for one in results if one.check.id == "shop.reached")
        if answered.outcome == "ok":
            probe = patient.behind.probe
            found["Shop"] = self._rate_answer(f"{probe.software}'s {probe.interface}", answered.seconds)
        # What was skipped has nothing to say: the tile of what it builds on says it.
        return [(title, finding) for title, finding in found.items() if finding is not None]

    def _rate_answer(self, interface: str, seconds: float) -> Finding:
        took = f"{max(seconds * 1000, 1):.0f} ms"
        if self._rests():
            return warning(
                f"It answers now, in {took}; it failed a moment ago and is given a rest of some seconds.", None
            )
        if seconds > SLOW_SHOP_SECONDS:
            return warning(f"It answers, and takes {took} for a simple question.", None)
        return ok(f"{interface} answers in {took}.")

    async def _check_database(self) -> Finding:
        """Whether this process can write; the doctor, in a process of its own, only reads."""
        began = self._clock()
        try:
            why = await asyncio.to_thread(self._database.unready_reason)
        except Exception as error:  # noqa: BLE001 -- whatever it is, this page shows it
            why = str(error)
        took = f"{(self._clock() - began) * 1000:.0f} ms"
        # Of a file, its name: where it lies is the server's own business.
        name = self._database.name.rpartition("/")[2]
        if why is not None:
            return fault(f"{name} {why}.", "See the server's log.")
        return ok(f"{name} takes what is written, within {took}.")


def _summary(results: "Sequence[CheckResult]") -> Finding | None:
    """The worst findings of some checks as one; of several that are ok the first. None where nothing was checked."""
    findings = [finding for one in results for finding in one.findings]
    if not findings:
        return None
    level = worst_level(findings)
    worst = [one for one in findings if one.level == level][: 1 if level == "ok" else None]
    fixes = [one.fix for one in worst if one.fix is not None]
    return Finding(level=level, says=" ".join(one.says for one in worst), fix=" ".join(fixes) or None)
