"""The sandbox's book in the database: shared by every worker, and still there after any of them is killed."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables import SANDBOX_SLIPS
from storefront_mcp.payments.port import ProviderDown
from storefront_mcp.payments.sandbox import Slip

_SLIP: Final = msgspec.json.Decoder(Slip)


class DatabaseSandbox:
    """Slips in the database. Implements `payments.sandbox.SandboxBook`; survives a power cut, as a provider would."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, slip: Slip, *, forget: int) -> Slip:
        """Write a new slip, unless its key is known: then that one is answered. What ended before `forget` goes."""
        return await asyncio.to_thread(self._open, slip, forget)

    async def find(self, id_: str) -> Slip | None:
        """By its id."""
        return await asyncio.to_thread(self._find, id_)

    async def change(self, id_: str, step: Callable[[Slip], Slip]) -> Slip | None:
        """Read, step and write as one; None when there is none. What `step` raises leaves everything as it was."""
        return await asyncio.to_thread(self._change, id_, step)

    def _open(self, slip: Slip, forget: int) -> Slip:
        row = {"id": slip.id, "key": slip.key, "expires_at": slip.expires_at, "slip": msgspec.json.encode(slip)}
        kept = select(SANDBOX_SLIPS.c.slip).where(SANDBOX_SLIPS.c.key == slip.key)
        try:
            with self._database.writing(survives="power") as connection:
                connection.execute(delete(SANDBOX_SLIPS).where(SANDBOX_SLIPS.c.expires_at < forget))
                connection.execute(self._database.insert(SANDBOX_SLIPS).values(row).on_conflict_do_nothing())
                return _SLIP.decode(connection.execute(kept).scalar_one())
        except (SQLAlchemyError, ShopBusy) as error:
            raise _down(error) from error

    def _find(self, id_: str) -> Slip | None:
        try:
            with self._database.reading() as connection:
                return _read(connection, id_)
        except (SQLAlchemyError, ShopBusy) as error:
            raise _down(error) from error

    def _change(self, id_: str, step: Callable[[Slip], Slip]) -> Slip | None:
        try:
            with self._database.writing(survives="power", alone=f"sandbox {id_}") as connection:
                before = _read(connection, id_)
                if before is None:
                    return None
                after = step(before)
                if after != before:
                    row = SANDBOX_SLIPS.c.id == id_
                    connection.execute(update(SANDBOX_SLIPS).where(row).values(slip=msgspec.json.encode(after)))
                return after
        except (SQLAlchemyError, ShopBusy) as error:
            raise _down(error) from error


def _read(connection: Connection, id_: str) -> Slip | None:
    found = connection.execute(select(SANDBOX_SLIPS.c.slip).where(SANDBOX_SLIPS.c.id == id_)).scalar_one_or_none()
    return None if found is None else _SLIP.decode(found)


def _down(error: SQLAlchemyError | ShopBusy) -> ProviderDown:
    return ProviderDown(f"the sandbox's book cannot be used: {type(error).__name__}")
