"""Whether the database is there, is ours, and belongs to us alone; nothing is created and no table is changed."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.database import DatabaseUnusable, schema
from storefront_mcp.database.engine import Kind
from storefront_mcp.database.sqlite import SqliteFile
from storefront_mcp.doctor.findings import Check, Findings, check, fault, note, ok, warning
from storefront_mcp.doctor.patient import Patient
from storefront_mcp.settings.keeping import Location

State = Literal["absent", "empty", "old", "ours", "newer", "foreign", "unusable"]

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class Tables(Struct, frozen=True, kw_only=True):
    """What was found in a database."""

    state: State
    name: str
    said: str = ""
    """What kept us out, or the revision that was found."""


def look(where: Location) -> Tables:
    """Read which revision a database has; blocks."""
    if not where.server and not Path(where).exists():
        return Tables(state="absent", name=str(where))
    try:
        kind = _kind(where)
    except DatabaseUnusable as unusable:
        return Tables(state="unusable", name="The database", said=str(unusable))
    try:
        with kind.engine.connect().execution_options(**kind.reading()) as connection:
            tables = set(inspect(connection).get_table_names())
            found = schema.revision(connection) if schema.VERSION.name in tables else None
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()
        return Tables(state="unusable", name=kind.name, said=said[0] if said else type(error).__name__)
    finally:
        kind.engine.dispose()
    return Tables(state=_state(tables, found), name=kind.name, said=found or "none")


def _state(tables: set[str], revision: str | None) -> State:
    """What some tables at some revision are to us."""
    if not tables:
        return "empty"
    if revision is None:
        return "old" if "flips" in tables else "foreign"
    if revision not in schema.REVISIONS:
        return "newer"
    return "ours" if revision == schema.HEAD else "old"


def _kind(where: Location) -> Kind:
    if not where.server:
        return SqliteFile(Path(where))
    from storefront_mcp.database.postgresql import PostgresqlServer  # noqa: PLC0415 -- a driver that most do without

    return PostgresqlServer(where)


def _mode(path: Path) -> int:
    """Who may open a file; nobody where there is none."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0


@check("database.reached", "The database can be read", "settings", "shop")
async def reached(patient: Patient) -> Findings:
    """Or it will be made by the first start."""
    where = patient.settings.database
    found = await asyncio.to_thread(look, where)
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
            f"{found.name} cannot be used: {found.said}.",
            "Set database to a file of ours or to a server that answers, and check who may open it.",
        )
    elif not where.server and not os.access(where, os.R_OK | os.W_OK):
        yield fault(
            f"{found.name} cannot be written to.",
            f"Examine as the user of the server, or give that user the file: {where}",
        )
    else:
        yield ok(f"{found.name} answers.")


@check("database.tables", "Its tables are those of this version", "settings", "shop", after=("database.reached",))
async def tables(patient: Patient) -> Findings:
    """Pending steps are taken by the next start; newer ones cannot be undone."""
    found = await asyncio.to_thread(look, patient.settings.database)
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


@check("database.private", "Nobody else can read it", "settings", "shop", after=("database.reached",))
async def private(patient: Patient) -> Findings:
    """A file is for its owner only; of a server we cannot tell."""
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
    if mode & OTHERS:
        yield warning(f"{path} can be opened by others (mode {mode:o}).", f"Run: chmod 600 {path}")
    else:
        yield ok("The file is for its owner only.")


CHECKS: Final[tuple[Check, ...]] = (reached, tables, private)
