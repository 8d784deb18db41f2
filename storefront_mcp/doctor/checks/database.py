"""Checks of the database: reachability, schema revision, file mode, a write, and room for guests."""

import asyncio
import os
import stat
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import Database, DatabaseUnusable, schema
from storefront_mcp.database.engine import database_driver, utc_now
from storefront_mcp.database.guest_rows import count_guest_rows
from storefront_mcp.database.readiness import DatabaseReadiness, recorded_identity
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.findings import fault, note, ok, warning
from storefront_mcp.settings.storage import DatabaseLocation

State = Literal["absent", "empty", "old", "ours", "newer", "foreign", "unusable"]

FULL_SHARE: Final = 0.8
"""Part of a bound from which a warning is due."""
OTHERS_MODE: Final = stat.S_IRWXG | stat.S_IRWXO


class DatabaseContents(Struct, frozen=True, kw_only=True):
    """State of a database, as read."""

    state: State
    name: str
    said: str = ""
    """The driver's error, or the revision that was found."""
    identity: str | None = None
    """Of a database of this version that a server has used."""


def inspect_database(where: DatabaseLocation) -> DatabaseContents:
    """Read the schema revision of a database; blocks."""
    if not where.server and not Path(where).exists():
        return DatabaseContents(state="absent", name=str(where))
    try:
        driver = database_driver(where, read_only=True)
    except DatabaseUnusable as unusable:
        return DatabaseContents(state="unusable", name="The database", said=str(unusable))
    try:
        with driver.engine.connect().execution_options(**driver.read_options) as connection:
            tables = set(inspect(connection).get_table_names())
            found = schema.revision(connection) if schema.VERSION.name in tables else None
            identity = recorded_identity(connection) if found == schema.HEAD_REVISION else None
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()
        return DatabaseContents(
            state="unusable", name=driver.name, said=driver.explain(said[0] if said else error_name(error))
        )
    finally:
        driver.engine.dispose()
    return DatabaseContents(state=_state(tables, found), name=driver.name, said=found or "none", identity=identity)


def write_failure(where: DatabaseLocation) -> tuple[str, str] | None:
    """Why a database of this version takes no write, and what to do; None when it takes one. Blocks."""
    try:
        with closing(Database(where)) as database:
            try:
                why = DatabaseReadiness(database).write()
            except (SQLAlchemyError, ShopBusy) as error:
                kind = database.failure(error)
                return f"{database.name} {kind.reason}.", kind.advice
    except DatabaseUnusable as unusable:
        return str(unusable), "Put right what it names."
    return None if why is None else (f"{where.shown} {why}.", "Restart the server with the right one.")


def _state(tables: set[str], revision: str | None) -> State:
    """Classify a database by its tables and revision."""
    if not tables:
        return "empty"
    if revision is None:
        return "old" if "flips" in tables else "foreign"
    if revision not in schema.REVISIONS:
        return "newer"
    return "ours" if revision == schema.HEAD_REVISION else "old"


def _mode(path: Path) -> int:
    """Permission bits of a file; 0 where there is none."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0


@check("database.reached", "Can the database be read?", "settings", "shop")
async def check_reachable(patient: ExaminedStore) -> Findings:
    """Readable and writable, or absent in a folder where the first start can make it."""
    where = patient.settings.database
    found = await asyncio.to_thread(inspect_database, where)
    if found.state == "absent":
        folder = Path(where).parent
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            yield note(f"{found.name} is not there yet; the first start makes it.")
        else:
            yield fault(
                f"{found.name} is not there, and its folder cannot be written to.",
                f"Make the folder {folder} and let the user of the server write there, or set database to another "
                "path.",
            )
    elif found.state == "foreign":
        yield fault(
            f"{found.name} has tables of somebody else.",
            "Give this server a database of its own, and set database to it.",
        )
    elif found.state == "unusable":
        yield fault(
            f"{found.name} cannot be used: {found.said}",
            "Set database to a file of ours or to a server that answers, and check who may open it.",
        )
    elif not where.server and not os.access(where, os.R_OK | os.W_OK):
        yield fault(
            f"{found.name} cannot be written to.",
            f"Examine as the user of the server, or give that user the file: {where}",
        )
    else:
        yield ok(f"{found.name} answers.")


@check("database.tables", "Are its tables those of this version?", "settings", "shop", after=("database.reached",))
async def check_tables(patient: ExaminedStore) -> Findings:
    """Older schemas are migrated by the next start; newer ones are a fault."""
    found = await asyncio.to_thread(inspect_database, patient.settings.database)
    if found.state == "old":
        pending = [step for step in schema.REVISIONS if step > found.said or found.said == "none"]
        yield warning(
            f"Its tables are at {found.said}; {', '.join(pending)} {'is' if len(pending) == 1 else 'are'} pending.",
            "Back the database up, stop every process of the old version, and start this one: it brings them up to "
            "date.",
        )
    elif found.state == "newer":
        yield fault(
            f"Its tables are at {found.said}, which this version does not know.",
            "Update storefront-mcp, or restore the backup that was made before the update.",
        )
    elif found.state == "ours":
        yield ok(f"They are at {found.said}.")
    else:
        yield ok("There are none yet; the first start makes them.")


@check("database.private", "Is it kept from others?", "settings", "shop", after=("database.reached",))
async def check_private(patient: ExaminedStore) -> Findings:
    """File mode without access for group and others; for a server, an encrypted connection."""
    where = patient.settings.database
    if where.server:
        encrypted = "sslmode=verify-full" in where or "sslmode=require" in where or "host=/" in where
        if encrypted:
            yield ok("The connection is encrypted.")
        else:
            yield note(
                "The connection to the server need not be encrypted.",
                "Add ?sslmode=verify-full to the database's URL unless the server is on this machine.",
            )
        return
    path = Path(where)
    mode = await asyncio.to_thread(_mode, path)
    if mode & OTHERS_MODE:
        yield warning(f"{path} can be opened by others (mode {mode:o}).", f"Run: chmod 600 {path}")
    else:
        yield ok("The file is for its owner only.")


@check("database.written", "Does it take a write?", "settings", "shop", after=("database.reached", "database.tables"))
async def check_write(patient: ExaminedStore) -> Findings:
    """Commit a row that is of no use, where the tables are of this version: a disk that is full shows only so."""
    where = patient.settings.database
    if (await asyncio.to_thread(inspect_database, where)).state != "ours":
        yield ok("There is nothing to write to before the first start.")
        return
    failed = await asyncio.to_thread(write_failure, where)
    yield ok("It does.") if failed is None else fault(*failed)


@check("database.guests", "Is there room for guests?", "settings", "shop", after=("database.written",))
async def check_guests(patient: ExaminedStore) -> Findings:
    """Rows of guests against `[guests]`: a flood is seen before it pushes anybody out."""
    settings = patient.settings
    if (await asyncio.to_thread(inspect_database, settings.database)).state != "ours":
        yield ok("Nobody was here yet.")
        return
    rows = await asyncio.to_thread(_guest_rows, settings.database)
    filled = [(name, rows[name], at_most) for name, at_most in settings.guests.in_all.items()]
    full = [one for one in filled if one[1] >= FULL_SHARE * one[2]]
    for name, count, at_most in full:
        yield warning(
            f"Guests have filled {count} of the {at_most} that guests.{name} allows; at the bound the idlest go, "
            "and audit entries are only counted.",
            "See who sends so much (the audit's limit.hit, the proxy's log) and refuse them at the proxy, or raise "
            f"guests.{name}.",
        )
    if not full:
        yield ok("There is.")


def _guest_rows(where: DatabaseLocation) -> Mapping[str, int]:
    with closing(Database(where, read_only=True)) as database:
        return count_guest_rows(database, utc_now())


CHECKS: Final[tuple[DoctorCheck, ...]] = (check_reachable, check_tables, check_private, check_write, check_guests)
