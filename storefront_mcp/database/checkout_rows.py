"""Mapping of checkouts to rows and back."""

import logging
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import Row

from storefront_mcp.checkout.record import Checkout, PersonalDetails
from storefront_mcp.database.encryption import DecryptionFailed, FieldEncryption
from storefront_mcp.instrumentation import store_job

log: Final = logging.getLogger(__name__)

INDEXED: Final = (
    "id", "store", "cart", "pay_key", "request", "state", "fence", "lease_until", "created_at", "ended_at",
)  # fmt: skip
"""Fields that are columns too; the column is authoritative, as not every change writes the record."""

_RECORD: Final = msgspec.json.Decoder(Checkout)
_PERSONAL: Final = msgspec.json.Decoder(PersonalDetails)


class CheckoutRowMapper:
    """The record is stored as JSON, so that a new field with a default needs no migration."""

    def __init__(self, encryption: FieldEncryption | None) -> None:
        self._encryption = encryption

    def row(self, checkout: Checkout) -> dict[str, Any]:
        """Every column but `hastened_at`, which is no field of a checkout."""
        row = {name: getattr(checkout, name) for name in (*INDEXED, "due_at", "live")}
        row["record"] = msgspec.json.encode(replace(checkout, personal=None))
        row["personal"] = None if checkout.personal is None else self._encrypt(checkout.personal)
        return row

    def checkout(self, row: Row[Any], *, personal: bool = True) -> Checkout:
        """The checkout of a row; `next_look` is selected besides the columns."""
        columns = {name: getattr(row, name) for name in INDEXED}
        with store_job(row.store):
            details = self._decrypt(row.id, row.personal) if personal and row.personal is not None else None
        return replace(
            _RECORD.decode(row.record),
            **columns,
            due_at=row.next_look,
            personal=details,
        )

    def _encrypt(self, personal: PersonalDetails) -> bytes:
        plain = msgspec.json.encode(personal)
        return plain if self._encryption is None else self._encryption.encrypt(plain)

    def _decrypt(self, id_: str, stored: bytes) -> PersonalDetails | None:
        """None when it cannot be decrypted or decoded; the log says why."""
        # JSON begins with a brace, a Fernet token never does.
        encrypted = not stored.startswith(b"{")
        if encrypted and self._encryption is None:
            log.error("checkout %s: its personal data is encrypted and personal_data.key is not set", id_)
            return None
        try:
            return _PERSONAL.decode(
                self._encryption.decrypt(stored) if encrypted and self._encryption is not None else stored
            )
        except DecryptionFailed:
            log.error("checkout %s: no key in personal_data.key opens its personal data", id_)  # noqa: TRY400
        except msgspec.MsgspecError:
            # The error may quote personal data, so it is not logged.
            log.error("checkout %s: its personal data was written in a shape that is not known", id_)  # noqa: TRY400
        return None
