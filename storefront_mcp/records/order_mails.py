"""Confirmations of orders that wait to be sent or were sent, and `OrderMailQueue`, the port of their storage."""

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId

MailStatus = Literal["waiting", "sent", "failed"]


class OrderMail(Struct, frozen=True, kw_only=True):
    """The confirmation of one order; what is in it is read from the checkout. Times are Unix seconds."""

    checkout: str
    """The checkout's id: there is one confirmation of each."""
    store: StoreId
    status: MailStatus = "waiting"
    queued_at: float
    tries: int = 0
    """Attempts that have begun."""
    problem: str | None = None
    """Why the last attempt failed; without addresses."""


class OrderMailQueue(Protocol):
    """Storage of the confirmations, shared by every worker; written with the checkout that becomes an order."""

    async def lease(self, *, now: float, seconds: float) -> OrderMail | None:
        """Take the one that is due longest, for `seconds`, and count the attempt; None when none is due."""

    async def finish(self, mail: OrderMail, status: MailStatus, *, problem: str | None = None, due_at: float) -> None:
        """Record how an attempt ended; one that is still `waiting` is due again at `due_at`."""

    async def list_by_checkout(self, checkouts: Sequence[str]) -> dict[str, OrderMail]:
        """The confirmations of these checkouts, by checkout."""

    async def send_again(self, store: StoreId, checkout: str, *, now: float) -> bool:
        """Make a failed one wait again; whether there was one."""
