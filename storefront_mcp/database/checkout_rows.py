"""One checkout as one row, and back."""

import logging
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import Row

from storefront_mcp.checkout.record import Checkout, Personal
from storefront_mcp.database.seal import PersonalSeal, SealBroken

LOG: Final = logging.getLogger(__name__)

INDEXED: Final = (
    "id", "store", "cart", "pay_key", "request", "state", "fence", "lease_until", "created_at", "ended_at",
)  # fmt: skip
"""Fields that are columns too; where the two differ the column is right, as not every change writes the record."""

_RECORD: Final = msgspec.json.Decoder(Checkout)
_PERSONAL: Final = msgspec.json.Decoder(Personal)


class CheckoutRows:
    """Translates. The record is kept as JSON, so that a new field with a default needs no migration."""

    def __init__(self, seal: PersonalSeal | None) -> None:
        self._seal = seal

    def row(self, checkout: Checkout) -> dict[str, Any]:
        """What to write, but for `hastened_at`, which is nobody's field."""
        row = {name: getattr(checkout, name) for name in (*INDEXED, "due_at", "live")}
        row["record"] = msgspec.json.encode(replace(checkout, personal=None))
        row["personal"] = None if checkout.personal is None else self._closed(checkout.personal)
        return row

    def checkout(self, row: Row[Any], *, personal: bool = True) -> Checkout:
        """The checkout of a row that has `next_look` besides the columns."""
        columns = {name: getattr(row, name) for name in INDEXED}
        return replace(
            _RECORD.decode(row.record),
            **columns,
            due_at=row.next_look,
            personal=self._opened(row.id, row.personal) if personal and row.personal is not None else None,
        )

    def _closed(self, personal: Personal) -> bytes:
        plain = msgspec.json.encode(personal)
        return plain if self._seal is None else self._seal.close(plain)

    def _opened(self, id_: str, kept: bytes) -> Personal | None:
        """None when it cannot be read: work goes on, as far as it can without an address, and the log says why."""
        # JSON begins with a brace, and what is sealed never does.
        sealed = not kept.startswith(b"{")
        if sealed and self._seal is None:
            LOG.error("checkout %s: its personal data is encrypted and personal_data.key is not set", id_)
            return None
        try:
            return _PERSONAL.decode(self._seal.open(kept) if sealed and self._seal is not None else kept)
        except SealBroken:
            LOG.error("checkout %s: no key in personal_data.key opens its personal data", id_)  # noqa: TRY400
        except msgspec.MsgspecError:
            # What does not fit is not repeated: it is personal.
            LOG.error("checkout %s: its personal data was written in a shape that is not known", id_)  # noqa: TRY400
        return None
