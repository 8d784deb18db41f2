"""Sandbox payments in SQL, shared by every worker."""

from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database.engine import Database, in_thread
from storefront_mcp.database.tables.sandbox import SANDBOX_SLIPS
from storefront_mcp.payments.provider import ProviderDown
from storefront_mcp.payments.sandbox import SandboxPayment

_PAYMENT: Final = msgspec.json.Decoder(SandboxPayment)


class SqlSandboxRepository:
    """Implements `payments.sandbox.SandboxRepository`; survives a power cut, as a provider would."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @in_thread
    def open(self, record: SandboxPayment, *, forget: int) -> SandboxPayment:
        """Insert a payment, or return that of the same key; payments that expired before `forget` are deleted."""
        row = {"id": record.id, "key": record.key, "expires_at": record.expires_at}
        row["slip"] = msgspec.json.encode(record)
        stored = select(SANDBOX_SLIPS.c.slip).where(SANDBOX_SLIPS.c.key == record.key)
        try:
            with self._database.writing(survives="power") as connection:
                connection.execute(delete(SANDBOX_SLIPS).where(SANDBOX_SLIPS.c.expires_at < forget))
                connection.execute(self._database.insert(SANDBOX_SLIPS).values(row).on_conflict_do_nothing())
                return _PAYMENT.decode(connection.execute(stored).scalar_one())
        except (SQLAlchemyError, ShopBusy) as error:
            raise _down(error) from error

    @in_thread
    def find(self, id_: str) -> SandboxPayment | None:
        """By its id."""
        try:
            with self._database.reading() as connection:
                return _read(connection, id_)
        except (SQLAlchemyError, ShopBusy) as error:
            raise _down(error) from error

    @in_thread
    def change(self, id_: str, step: Callable[[SandboxPayment], SandboxPayment]) -> SandboxPayment | None:
        """Apply `step` in one transaction, which is rolled back when it raises; None for an unknown id."""
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


def _read(connection: Connection, id_: str) -> SandboxPayment | None:
    found = connection.execute(select(SANDBOX_SLIPS.c.slip).where(SANDBOX_SLIPS.c.id == id_)).scalar_one_or_none()
    return None if found is None else _PAYMENT.decode(found)


def _down(error: SQLAlchemyError | ShopBusy) -> ProviderDown:
    return ProviderDown(f"the sandbox's payments cannot be read or written: {error_name(error)}")
