"""Events about orders that receivers are told by webhook, and `OrderEventQueue`, the port of their storage."""

from collections.abc import Sequence
from typing import Final, Literal, Protocol, get_args

from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId

OrderEventStatus = Literal["unpaid", "waiting", "told", "failed"]
"""unpaid: there is no order yet. waiting: to be told at `due_at`. failed: given up.
told: the receiver took it; at `due_at` the order is looked at again."""


ORDER_EVENT_STATUSES: Final[tuple[OrderEventStatus, ...]] = get_args(OrderEventStatus)


class OrderEvent(Struct, frozen=True, kw_only=True):
    """What the receiver of one order is owed; what is in it is read from the checkout. Times are Unix seconds."""

    checkout: str
    """The checkout's id: there is one row of each."""
    store: StoreId
    owner: str
    """Identifier of the caller who began the session, whose receiver is told."""
    session: str
    """Id of the session: a secret. Empty where it cannot be decrypted any more."""
    status: OrderEventStatus
    queued_at: float
    tries: int = 0
    """Attempts and looks that have begun."""
    failures: int = 0
    """Attempts in a row that the receiver did not take."""
    problem: str | None = None
    """Why the last of them failed; without addresses."""
    told: str | None = None
    """Digest of the order as the receiver was told it last; None before it was."""


class OrderEventQueue(Protocol):
    """Storage of the events, shared by every worker.

    A row is written with the session whose order is prepared, and becomes due with the checkout that becomes an order.
    """

    async def lease(self, *, now: float, seconds: float) -> OrderEvent | None:
        """Take the one that is due longest, for `seconds`; None when none is due. What is to be told goes first."""

    async def finish(self, event: OrderEvent, *, due_at: float) -> None:
        """Record how an attempt ended, by the fields of the event; it is due again at `due_at`."""

    async def list_by_checkout(self, checkouts: Sequence[str]) -> dict[str, OrderEvent]:
        """The events of these checkouts, by checkout."""

    async def send_again(self, store: StoreId, checkout: str, *, now: float) -> bool:
        """Make a failed one wait again; whether there was one."""

    async def forget(self, *, before: float) -> int:
        """Delete what was queued before; the number of rows."""
