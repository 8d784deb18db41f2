"""Which phases are open although they should not be, and which could open."""

import asyncio
from typing import Final

from storefront_mcp.database import Database, DatabaseFlags
from storefront_mcp.doctor.checks.database import look
from storefront_mcp.doctor.findings import Check, Findings, check, fault, note, ok
from storefront_mcp.doctor.patient import Patient
from storefront_mcp.roadmap.flags import Standing, as_it_stands
from storefront_mcp.roadmap.roadmap import FlipRefused, Phase, Roadmap


def stands(patient: Patient) -> Roadmap:
    """The roadmap as it is on record; blocks. Where there are no tables of this version nothing is on record yet."""
    planned, where = patient.behind.planned, patient.settings.database
    if look(where).state != "ours":
        return planned
    database = Database(where)
    flags = DatabaseFlags(database)
    try:
        standing = flags.standing().get(patient.behind.store.id, Standing(0, {}))
    finally:
        flags.close()
        database.close()
    return as_it_stands(planned, standing)


@check("phases.kept", "Every open phase keeps its promise", "settings", "shop", after=("database.reached",))
async def kept(patient: Patient) -> Findings:
    """Settings may have changed since a phase was opened."""
    roadmap = await asyncio.to_thread(stands, patient)
    for phase in roadmap.phases:
        if phase.open:
            lacks = _lacks(phase)
            for lacking in lacks:
                yield fault(
                    f"{phase.name} is open, but {lacking}",
                    f"Set that up, or close it: storefront-mcp phases pause {phase.name}",
                )
            if not lacks:
                yield ok(f"{phase.name} is open and has what it needs.")
    if not roadmap.open:
        yield ok("No phase is open.")


@check("phases.next", "What could open now", "settings", "shop", after=("database.reached",))
async def following(patient: Patient) -> Findings:
    """And what the others still lack, in the words of the command that would open them."""
    roadmap = await asyncio.to_thread(stands, patient)
    closed = [phase for phase in roadmap.phases if phase.status in {"planned", "paused"}]
    for phase in closed:
        try:
            roadmap.with_status({phase.name: "active"})
        except FlipRefused as refused:
            for complaint in refused.complaints:
                yield note(f"It cannot open yet: {complaint}")
        else:
            yield note(f"{phase.name} could open.", f"To open it: storefront-mcp phases open {phase.name}")
    if not closed:
        yield ok("Every phase is open.")


def _lacks(phase: Phase) -> list[str]:
    """Why a phase should not be open, each the end of a sentence."""
    return [*(f"{promise.name} is not delivered." for promise in phase.undelivered), *phase.missing]


CHECKS: Final[tuple[Check, ...]] = (kept, following)
