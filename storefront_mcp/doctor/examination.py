"""Run the checks with bounded concurrency and time, each after the checks it depends on."""

import asyncio
import contextlib
import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from storefront_mcp.backends.probe import ProbeFailed, ProbeRefused
from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.doctor.all_checks import ALL_CHECKS
from storefront_mcp.doctor.check import DoctorCheck
from storefront_mcp.doctor.http_client import StoreHttpClient
from storefront_mcp.doctor.patient import ExaminationSubject, ExaminedStore
from storefront_mcp.doctor.phrases import NO_ANSWER_TEXT, refusal_finding
from storefront_mcp.doctor.report import CheckResult, DoctorReport
from storefront_mcp.findings import Finding

logger = logging.getLogger(__name__)

MAX_CONCURRENT_CHECKS: Final = 4
"""Checks that run at a time, so that an examination puts little load on a live shop."""


class TimeBudget(Struct, frozen=True, kw_only=True):
    """Time limits in seconds: for one HTTP response, one check, the whole examination."""

    answer: float = 10.0
    check: float = 30.0
    total: float = 120.0


class ExaminationProgress(Struct, frozen=True, kw_only=True):
    """Progress of an examination: checks done, of how many, and the last result."""

    done: int
    of: int
    last: CheckResult


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


async def examine(
    subject: ExaminationSubject,
    *,
    budget: TimeBudget | None = None,
    on_progress: Callable[[ExaminationProgress], None] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    now: Callable[[], dt.datetime] = _utc_now,
    checks: Sequence[DoctorCheck] = ALL_CHECKS,
) -> DoctorReport:
    """Examine a store. Faults of the store are reported, never raised.

    `on_progress` is called after every check; `transport` replaces the network to the deployed store.
    """
    budget = budget or TimeBudget()
    began = time.monotonic()
    origin = subject.origin
    web: StoreHttpClient | None = None
    if origin is not None:
        # In a thread: loading the system's CA certificates blocks, and the caller's event loop may serve requests.
        web = await asyncio.to_thread(StoreHttpClient, origin, timeout_seconds=budget.answer, transport=transport)
    patient = ExaminedStore(subject, web, now=now)
    chosen = [one for one in checks if set(one.needs) <= patient.has]
    try:
        checked = await run_checks(patient, chosen, budget, on_progress=on_progress)
    finally:
        if web is not None:
            await web.close()
        if subject.behind is not None:
            await subject.behind.close()
            await subject.behind.probe.close()
    return DoctorReport(
        url=origin,
        config=subject.config,
        store=None if subject.behind is None else subject.behind.store.id,
        at=now(),
        seconds=time.monotonic() - began,
        checked=checked,
    )


async def run_checks(
    patient: ExaminedStore,
    checks: Sequence[DoctorCheck],
    budget: TimeBudget,
    *,
    on_progress: Callable[[ExaminationProgress], None] | None = None,
) -> tuple[CheckResult, ...]:
    """Run checks whose needs are met; results in the order of `checks`. Faults are reported, never raised."""
    return await _Run(patient, checks, budget, on_progress).run()


class _Run:
    """One run of a sequence of checks."""

    def __init__(
        self,
        patient: ExaminedStore,
        checks: Sequence[DoctorCheck],
        budget: TimeBudget,
        on_progress: Callable[[ExaminationProgress], None] | None,
    ) -> None:
        self._patient = patient
        self._checks = checks
        self._budget = budget
        self._on_progress = on_progress
        self._done: dict[str, CheckResult] = {}
        self._ended = {one.id: asyncio.Event() for one in checks}
        self._room = asyncio.Semaphore(MAX_CONCURRENT_CHECKS)
        self._until = time.monotonic() + budget.total

    async def run(self) -> tuple[CheckResult, ...]:
        async with asyncio.TaskGroup() as group:
            for one in self._checks:
                group.create_task(self._one(one), name=one.id)
        return tuple(self._done[one.id] for one in self._checks)

    async def _one(self, one: DoctorCheck) -> None:
        for earlier in one.after:
            if earlier in self._ended:
                await self._ended[earlier].wait()
        spoilt = next((name for name in one.after if self._is_blocked(name)), None)
        if spoilt is not None:
            # A skipped check passes on its own reason.
            why = self._done[spoilt].skipped or f"{spoilt} has to be put right first."
            self._end(CheckResult(check=one, skipped=why))
            return
        async with self._room:
            left = self._until - time.monotonic()
            if left <= 0:
                self._end(CheckResult(check=one, skipped=f"{self._budget.total:g} s had passed before its turn."))
                return
            began = time.monotonic()
            findings = await self._run_check(one, min(left, self._budget.check))
            self._end(CheckResult(check=one, findings=findings, seconds=time.monotonic() - began))

    def _is_blocked(self, name: str) -> bool:
        """Whether a check ended in a fault or was skipped, so that those after it are skipped."""
        return name in self._done and self._done[name].outcome in {"fault", "skipped"}

    async def _run_check(self, one: DoctorCheck, seconds: float) -> tuple[Finding, ...]:
        found: list[Finding] = []
        findings = one.run(self._patient)
        try:
            async with asyncio.timeout(seconds):
                async for finding in findings:
                    found.append(finding)  # noqa: PERF401 -- what was found before an error is kept
        except TimeoutError:
            fix = "Look at what is slow above, or examine again when there is less to do."
            says = f"This check did not end within {seconds:.0f} s."
            found.append(Finding(level="warning", says=says, fix=fix, conclusive=False))
        except ProbeFailed as failure:
            says, fix = NO_ANSWER_TEXT[failure.why]
            found.append(Finding(level="fault", says=f"{failure.url} {says}.", fix=fix, conclusive=False))
        except ProbeRefused as refused:
            parts = urlsplit(refused.response.url)
            found.append(refusal_finding(f"The shop's {parts.path}", refused.response, conclusive=False))
        except ShopError as error:
            fix = "Look at the shop's own log for the same minute."
            says = f"The shop did not do what was asked: {error.internal or error}"
            found.append(Finding(level="fault", says=says, fix=fix, conclusive=False))
        except Exception as error:
            # No response of an examined server may end the examination.
            logger.exception("check %s", one.id)
            fix = "Report it as a flaw of storefront-mcp, with the log."
            says = f"This check broke: {error_name(error)}."
            found.append(Finding(level="warning", says=says, fix=fix, conclusive=False))
        finally:
            with contextlib.suppress(Exception):
                await findings.aclose()  # type: ignore[attr-defined]
        return tuple(found)

    def _end(self, checked: CheckResult) -> None:
        self._done[checked.check.id] = checked
        self._ended[checked.check.id].set()
        if self._on_progress is not None:
            self._on_progress(ExaminationProgress(done=len(self._done), of=len(self._checks), last=checked))
