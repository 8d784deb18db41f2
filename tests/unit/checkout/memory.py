"""CheckoutRepository in memory."""

import datetime as dt
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout, KeyConflict, LeaseLost, State
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.records.audit import AuditEntry


class MemoryRecords:
    """Every method is atomic: there is no `await` inside."""

    def __init__(self, alive: Callable[[], None] = lambda: None) -> None:
        """`alive` raises when the process that wants to write is dead."""
        self.alive = alive
        self.checkouts: dict[str, Checkout] = {}
        self.keys: dict[tuple[str, str, str], tuple[str, str]] = {}
        """Store, cart and key, and the checkout and request that they lead to."""
        self.crowded: Sequence[str] = ()
        self.events: set[tuple[str, str]] = set()
        self.entries: list[AuditEntry] = []

    async def open(self, checkout: Checkout, *, key: str | None = None) -> Checkout:
        if key is not None and (known := self.keys.get((checkout.store, checkout.cart, key))) is not None:
            id_, request = known
            if request != checkout.request:
                raise KeyConflict
            return self.checkouts[id_]
        cart = (checkout.store, checkout.cart)
        standing = next((one for one in self.checkouts.values() if (one.store, one.cart) == cart and one.live), None)
        if standing is None:
            standing = self.checkouts[checkout.id] = checkout
        if key is not None and standing.request == checkout.request:
            self.keys[checkout.store, checkout.cart, key] = (standing.id, checkout.request)
        return standing

    async def find(self, store: StoreId, id_: str) -> Checkout | None:
        found = self.checkouts.get(id_)
        return found if found is not None and found.store == store else None

    async def crowding(self, store: StoreId) -> Sequence[str]:
        return self.crowded

    async def find_by_pay_key(self, store: StoreId, pay_key: str) -> Checkout | None:
        return next((one for one in self.checkouts.values() if (one.store, one.pay_key) == (store, pay_key)), None)

    async def find_by_key(self, store: StoreId, cart: str, key: str) -> Checkout | None:
        known = self.keys.get((store, cart, key))
        return None if known is None else self.checkouts[known[0]]

    async def find_by_cart(self, store: StoreId, cart: str) -> Checkout | None:
        found = [one for one in self.checkouts.values() if (one.store, one.cart) == (store, cart)]
        return max(found, key=lambda one: (one.live, one.created_at), default=None)

    async def lease(self, id_: str, *, now: float, seconds: float) -> Checkout | None:
        found = self.checkouts.get(id_)
        if found is None or found.lease_until > now:
            return None
        self.checkouts[id_] = replace(found, fence=found.fence + 1, lease_until=now + seconds)
        return self.checkouts[id_]

    async def write(self, checkout: Checkout, *, release: bool = False, entry: AuditEntry | None = None) -> None:
        self.alive()
        if self.checkouts[checkout.id].fence != checkout.fence:
            raise LeaseLost
        self.checkouts[checkout.id] = replace(checkout, lease_until=0.0) if release else checkout
        self.entries += [entry] if entry is not None else []

    async def mark_due(self, store: StoreId, id_: str, *, now: float) -> None:
        if (found := await self.find(store, id_)) is not None:
            self.checkouts[id_] = replace(found, due_at=now)

    async def due(self, *, now: float, limit: int) -> Sequence[str]:
        found = [
            one
            for one in self.checkouts.values()
            if one.due_at is not None and one.due_at <= now and one.lease_until <= now
        ]
        return [one.id for one in sorted(found, key=lambda one: one.due_at or 0.0)[:limit]]

    async def list_by_state(
        self, store: StoreId | None, states: Sequence[State], *, limit: int, made_before: float | None = None
    ) -> Sequence[Checkout]:
        found = [one for one in self.checkouts.values() if one.state in states and store in {None, one.store}]
        found = [one for one in found if made_before is None or one.created_at <= made_before]
        return [replace(one, personal=None) for one in sorted(found, key=lambda one: -one.created_at)[:limit]]

    async def keep_event(self, provider: str, event: str, *, store: StoreId, checkout: str | None, now: float) -> bool:
        new = (provider, event) not in self.events
        self.events.add((provider, event))
        return new

    async def erase(self, *, before: dt.datetime) -> int:
        ended = [one for one in self.checkouts.values() if one.ended_at and one.ended_at < before.timestamp()]
        for one in ended:
            self.checkouts[one.id] = replace(one, personal=None)
        return len(ended)
