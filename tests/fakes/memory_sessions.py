"""Checkout sessions in memory, behind the same port as the real ones."""

from msgspec.structs import replace

from storefront_mcp.checkout_sessions.record import NO_DETAILS, CheckoutSession, SessionLeaseLost
from storefront_mcp.commerce.ids import CartId, StoreId


class MemorySessions:
    """Every method is atomic: there is no `await` inside."""

    def __init__(self) -> None:
        self.sessions: dict[tuple[StoreId, CartId], CheckoutSession] = {}

    async def find(self, store: StoreId, cart: CartId) -> CheckoutSession | None:
        return self.sessions.get((store, cart))

    async def insert(self, session: CheckoutSession) -> None:
        self.sessions.setdefault((session.store, session.cart), session)

    async def lease(self, store: StoreId, cart: CartId, *, now: float, seconds: float) -> CheckoutSession | None:
        found = self.sessions.get((store, cart))
        if found is None or found.lease_until > now:
            return None
        self.sessions[store, cart] = replace(found, fence=found.fence + 1, lease_until=now + seconds)
        return self.sessions[store, cart]

    async def write(self, session: CheckoutSession, *, release: bool = False) -> None:
        key = (session.store, session.cart)
        if key not in self.sessions or self.sessions[key].fence != session.fence:
            raise SessionLeaseLost
        self.sessions[key] = replace(session, lease_until=0.0) if release else session

    async def erase(self, *, now: float) -> int:
        count = 0
        for key, one in self.sessions.items():
            if one.expires_at <= now and one.lease_until <= now and one.details != NO_DETAILS:
                self.sessions[key] = replace(one, details=NO_DETAILS, fence=one.fence + 1)
                count += 1
        return count
