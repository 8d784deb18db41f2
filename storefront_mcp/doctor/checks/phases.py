"""Checks of the phases: open ones that lack requirements, and closed ones that could open."""

import asyncio
from typing import Final

from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.checks.database import inspect_database
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.findings import fault, note, ok
from storefront_mcp.roadmap.flips import PhaseStatuses, with_statuses
from storefront_mcp.roadmap.roadmap import FlipRefused, Phase, Roadmap


def recorded_roadmap(patient: ExaminedStore) -> Roadmap:
    """The roadmap with recorded flips; blocks. As planned where the database has no tables of this version."""
    planned, where = patient.behind.planned, patient.settings.database
    if inspect_database(where).state != "ours":
        return planned
    database = Database(where, read_only=True)
    flags = SqlFlipRepository(database)
    try:
        standing = flags.current_statuses().get(patient.behind.store.id, PhaseStatuses(0, {}))
    finally:
        flags.close()
        database.close()
    return with_statuses(planned, standing)


@check("phases.kept", "Does every open phase have what it needs?", "settings", "shop", after=("database.reached",))
async def check_requirements(patient: ExaminedStore) -> Findings:
    """Requirements of open phases still hold, as settings may have changed since."""
    roadmap = await asyncio.to_thread(recorded_roadmap, patient)
    for phase in roadmap.phases:
        if phase.open:
            lacks = _lacks(phase)
            for lacking in lacks:
                yield fault(
                    f"{phase.name} is open, but {lacking}",
                    f"Set that up, or close it: {patient.command('phases', 'pause', phase.name)}",
                )
            if not lacks:
                yield ok(f"{phase.name} is open and has what it needs.")
    if not roadmap.open:
        yield ok("No phase is open.")


@check("phases.next", "Is every phase open?", "settings", "shop", after=("database.reached",))
async def check_next_phases(patient: ExaminedStore) -> Findings:
    """Closed phases that could open, and what the others lack as `phases open` says it."""
    roadmap = await asyncio.to_thread(recorded_roadmap, patient)
    closed = [phase for phase in roadmap.phases if phase.status in {"planned", "paused"}]
    for phase in closed:
        if phase.undelivered:
            # An operator cannot change this.
            yield ok(f"{phase.name} comes with a later version.")
            continue
        try:
            roadmap.with_status({phase.name: "active"})
        except FlipRefused as refused:
            for complaint in refused.complaints:
                yield note(f"It cannot open yet: {complaint}")
        else:
            yield note(f"{phase.name} could open.", f"To open it: {patient.command('phases', 'open', phase.name)}")
    if not closed:
        yield ok("Every phase is open.")


def _lacks(phase: Phase) -> list[str]:
    """Why a phase should not be open, each the end of a sentence."""
    return [*(f"{promise.name} is not delivered." for promise in phase.undelivered), *phase.missing]


CHECKS: Final[tuple[DoctorCheck, ...]] = (check_requirements, check_next_phases)
