"""Run the checks: few at a time, each after those it builds on, all of it in bounded time."""

import asyncio
import contextlib
import datetime as dt
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

import httpx
from msgspec import Struct

from storefront_mcp.backends.probing import Unheard
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.doctor.all_checks import ALL
from storefront_mcp.doctor.findings import Check, Finding, fault, warning
from storefront_mcp.doctor.patient import Patient, Subject
from storefront_mcp.doctor.report import Checked, Report
from storefront_mcp.doctor.web import Web
from storefront_mcp.doctor.words import NO_ANSWER

logger = logging.getLogger(__name__)

AT_ONCE: Final = 4
"""Checks under way at a time: a shop that is in use is not to notice."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long things may take, in seconds."""

    answer: float = 10.0
    check: float = 30.0
    total: float = 120.0


class Progress(Struct, frozen=True, kw_only=True):
    """How far an examination is."""

    done: int
    of: int
    last: Checked


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


async def examine(
    subject: Subject,
    *,
    patience: Patience | None = None,
    told: Callable[[Progress], None] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    now: Callable[[], dt.datetime] = _utc_now,
    checks: Sequence[Check] = ALL,
) -> Report:
    """Examine a store. Never raises for what is wrong with it: that is in the report.

    `told` hears of every check that is done; `transport` stands in for the network to the deployed store.
    """
    patience = patience or Patience()
    began = time.monotonic()
    origin = subject.origin
    web: Web | None = None
    if origin is not None:
        # Reading the machine's certificate authorities takes a while, and whoever calls may be serving others.
        web = await asyncio.to_thread(Web, origin, patience=patience.answer, transport=transport)
    patient = Patient(subject, web, now=now)
    chosen = [one for one in checks if set(one.needs) <= patient.has]
    walk = _Walk(patient, chosen, patience, told)
    try:
        checked = await walk.run()
    finally:
        if web is not None:
            await web.close()
        if subject.behind is not None:
            await subject.behind.close()
            await subject.behind.probe.close()
    return Report(
        url=origin,
        config=subject.config,
        store=None if subject.behind is None else subject.behind.store.id,
        at=now(),
        seconds=time.monotonic() - began,
        checked=checked,
    )


class _Walk:
    """One examination under way."""

    def __init__(
        self, patient: Patient, checks: Sequence[Check], patience: Patience, told: Callable[[Progress], None] | None
    ) -> None:
        self._patient = patient
        self._checks = checks
        self._patience = patience
        self._told = told
        self._done: dict[str, Checked] = {}
        self._ended = {one.id: asyncio.Event() for one in checks}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._until = time.monotonic() + patience.total

    async def run(self) -> tuple[Checked, ...]:
        async with asyncio.TaskGroup() as group:
            for one in self._checks:
                group.create_task(self._one(one), name=one.id)
        return tuple(self._done[one.id] for one in self._checks)

    async def _one(self, one: Check) -> None:
        for earlier in one.after:
            if earlier in self._ended:
                await self._ended[earlier].wait()
        spoilt = next((name for name in one.after if self._spoilt(name)), None)
        if spoilt is not None:
            # What was skipped itself passes on why.
            why = self._done[spoilt].skipped or f"{spoilt} has to be put right first."
            self._end(Checked(check=one, skipped=why))
            return
        async with self._room:
            left = self._until - time.monotonic()
            if left <= 0:
                self._end(Checked(check=one, skipped=f"{self._patience.total:g} s had passed before its turn."))
                return
            began = time.monotonic()
            findings = await self._found(one, min(left, self._patience.check))
            self._end(Checked(check=one, findings=findings, seconds=time.monotonic() - began))

    def _spoilt(self, name: str) -> bool:
        """Whether a check ended so that those after it cannot tell anything."""
        return name in self._done and self._done[name].outcome in {"fault", "skipped"}

    async def _found(self, one: Check, seconds: float) -> tuple[Finding, ...]:
        found: list[Finding] = []
        findings = one.run(self._patient)
        try:
            async with asyncio.timeout(seconds):
                async for finding in findings:
                    found.append(finding)  # noqa: PERF401 -- what was found before an error is kept
        except TimeoutError:
            fix = "Look at what is slow above, or examine again when there is less to do."
            found.append(warning(f"This check did not end within {seconds:.0f} s.", fix))
        except Unheard as unheard:
            says, fix = NO_ANSWER[unheard.why]
            found.append(fault(f"{unheard.url} {says}.", fix))
        except ShopError as error:
            fix = "Look at the shop's own log for the same minute."
            found.append(fault(f"The shop did not do what was asked: {error.internal or error}", fix))
        except Exception as error:
            # What a stranger's server sends must not end the examination.
            logger.exception("check %s", one.id)
            fix = "Report it as a flaw of storefront-mcp, with the log."
            found.append(warning(f"This check broke: {type(error).__name__}.", fix))
        finally:
            with contextlib.suppress(Exception):
                await findings.aclose()  # type: ignore[attr-defined]
        return tuple(found)

    def _end(self, checked: Checked) -> None:
        self._done[checked.check.id] = checked
        self._ended[checked.check.id].set()
        if self._told is not None:
            self._told(Progress(done=len(self._done), of=len(self._checks), last=checked))
