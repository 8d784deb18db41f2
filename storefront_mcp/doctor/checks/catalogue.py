"""Check of a store's mirror: whether its library is there, and how it stands on record."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import closing
from importlib.util import find_spec
from typing import Final

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.checks.database import inspect_database
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.findings import Finding, fault, note, ok, warning
from storefront_mcp.records.catalogue_mirrors import MirrorRecord
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.storage import DatabaseLocation

LIBRARY: Final = "tantivy"


@check("catalogue.mirror", "Is its mirror current?", "settings", "shop", after=("database.reached",))
async def check_mirror(patient: ExaminedStore) -> Findings:
    """A mirror that is on is written, whole, not old and without a problem; one that is off is none."""
    store = patient.behind.store
    if not store.mirror.on:
        yield ok("There is none: the shop answers each search.")
        return
    if find_spec(LIBRARY) is None:
        yield fault(
            "store.mirror.on needs a search library that is not installed.",
            'Run: pip install "storefront-mcp[mirror]"',
        )
        return
    folder = next(
        one for one in (patient.settings.catalogue.path, *patient.settings.catalogue.path.parents) if one.exists()
    )
    if not os.access(folder, os.W_OK | os.X_OK):
        yield fault(
            f"{patient.settings.catalogue.path} cannot be written to, so there is no mirror.",
            f"Let the user of the server write to {folder}, or set catalogue.folder to another path.",
        )
        return
    where = patient.settings.database
    records: Sequence[MirrorRecord] = ()
    if (await asyncio.to_thread(inspect_database, where)).state == "ours":
        records = await asyncio.to_thread(_records, where, store.id)
    # A demo builds it anew at each start.
    say = ok if patient.subject.demo else note
    if not records:
        yield say("There is none yet; a running server builds it, and until it is whole the shop answers.")
    for record in records:
        found = _finding(record, store, patient.now().timestamp(), patient)
        yield say(found.says) if found.level == "note" else found


def _records(where: DatabaseLocation, store: StoreId) -> Sequence[MirrorRecord]:
    with closing(Database(where, read_only=True)) as database:
        return SqlMirrorRepository(database).list_by_store(store)


def _finding(record: MirrorRecord, store: StoreSettings, now: float, patient: ExaminedStore) -> Finding:
    """One mirror, on one machine."""
    where = f" on {record.host}" if record.host else ""
    see = f"See: {patient.command('catalogue', 'status')}"
    state = record.state(now, max_age=store.mirror.max_age, give_up=store.mirror.give_up)
    if record.problem is not None:
        return warning(f"The mirror{where} is kept from being current: {record.problem}.", see)
    if state == "building":
        return note(f"The mirror{where} is being built: {record.read} of {record.total or 'its'} products are read.")
    if state in {"stale", "too_old"}:
        asked = "the shop answers each search" if state == "too_old" else "its answers are marked as old"
        return warning(
            f"For {(now - record.as_of) / 60:.0f} min the shop has not told the mirror{where} what changed: {asked}.",
            see,
        )
    if state == "absent" or not record.has_writer(now):
        return note(f"Nobody writes the mirror{where} now; a running server does.")
    return ok(f"The mirror{where} has {record.products} products, as the shop told {now - record.as_of:.0f} s ago.")


CHECKS: Final[tuple[DoctorCheck, ...]] = (check_mirror,)
