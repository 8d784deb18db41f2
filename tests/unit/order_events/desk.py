"""A database with orders of sessions, and dispatchers of several workers."""

from typing import Any

from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.acp.order_events import event_body, merchant_signature, order_body
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout_sessions.record import CheckoutSession
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.order import OrderProgress
from storefront_mcp.database import Database, FieldEncryption, SqlCheckoutRepository
from storefront_mcp.database.checkout_sessions import SqlCheckoutSessionRepository
from storefront_mcp.database.order_events import SqlOrderEventQueue
from storefront_mcp.order_events.dispatcher import EventSender, OrderEventDispatcher
from storefront_mcp.order_events.webhook_sender import EventUndelivered, OrderEventReceiver, OrderEventSender
from storefront_mcp.public_http.exchange import PublicExchange
from tests.fakes.order_event_receiver import SECRET
from tests.unit.checkout.environment import Clock
from tests.unit.database.test_checkouts import NOW, PICKLE, checkout

OWNER = "key:4fQ2rT9yBn1"
RECEIVER = OrderEventReceiver(url="https://platform.example/events", secret=Secret(SECRET))
PERMALINK = "https://pickle.example/cart/t"


class Outbox:
    """Takes events, or fails as told."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        """URL, event and body."""
        self.ids: list[str] = []
        """Of every attempt."""
        self.fails: list[Exception] = []

    async def send(self, receiver: OrderEventReceiver, event: str, body: bytes) -> None:
        self.ids.append(event)
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append((receiver.url, event, body))


class Orders:
    """Orders in the protocol's words, and how the shop says that they stand."""

    def __init__(self) -> None:
        self.now: OrderProgress | None = None
        self.down: ShopError | None = None
        self.asked = 0

    def order(self, made: Checkout, session: str, progress: OrderProgress | None) -> bytes:
        return order_body(made, session, PERMALINK, progress)

    def event(self, order: bytes, *, created: bool) -> bytes:
        return event_body(order, created=created)

    async def progress(self, _made: Checkout) -> OrderProgress | None:
        self.asked += 1
        if self.down is not None:
            raise self.down
        return self.now


class Desk:
    def __init__(self, database: Database, encryption: FieldEncryption | None = None) -> None:
        self.database = database
        self.clock = Clock()
        self.outbox = Outbox()
        self.records = SqlCheckoutRepository(database)
        self.sessions = SqlCheckoutSessionRepository(database, encryption=encryption)
        self.queue = SqlOrderEventQueue(database, encryption=encryption)
        self.orders = Orders()
        self.receivers = {(PICKLE, OWNER): RECEIVER}

    def dispatcher(self, sender: EventSender | None = None) -> OrderEventDispatcher:
        orders = {PICKLE: self.orders}
        return OrderEventDispatcher(
            self.queue, self.records, sender or self.outbox, orders, self.receivers, now=self.clock
        )

    def sender(self) -> OrderEventSender:
        """The real one, which reaches this machine."""
        return OrderEventSender(PublicExchange(loopback=True), sign, now=self.clock)

    async def prepared(self, id_: str = "chk_1", cart: str = "cart_abc", **changes: Any) -> CheckoutSession:
        """A session whose order is prepared, as the shopping agent was answered."""
        await self.records.open(checkout(id_, cart=f"digest of {cart}"))
        session = CheckoutSession(
            store=PICKLE, cart=CartId(cart), owner=OWNER, tells_orders=True, checkout=id_, expires_at=NOW + 3600
        )
        session = replace(session, **changes)
        await self.sessions.insert(replace(session, checkout=""))
        await self.written(session)
        return session

    async def written(self, session: CheckoutSession) -> None:
        held = await self.sessions.lease(session.store, session.cart, now=NOW, seconds=60.0)
        assert held is not None
        await self.sessions.write(replace(session, fence=held.fence), release=True)

    async def ended(self, id_: str = "chk_1", state: str = "placed", **changes: Any) -> Checkout:
        """Its checkout ends; the record is written twice, as after a crash."""
        held = await self.records.lease(id_, now=self.clock(), seconds=10)
        assert held is not None
        number = "100000042" if state == "placed" else None
        done = replace(held, state=state, order_number=number, ended_at=self.clock(), **changes)
        await self.records.write(done)
        await self.records.write(done, release=True)
        return done

    async def ordered(self, id_: str = "chk_1", cart: str = "cart_abc", **changes: Any) -> CheckoutSession:
        session = await self.prepared(id_, cart, **changes)
        await self.ended(id_)
        return session

    async def status(self, id_: str = "chk_1") -> tuple[str, int, str | None] | None:
        event = (await self.queue.list_by_checkout([id_])).get(id_)
        return None if event is None else (event.status, event.tries, event.problem)


def sign(key: bytes, seconds: int, body: bytes) -> tuple[str, str]:
    return "merchant-signature", merchant_signature(key, seconds, body)


def refused() -> EventUndelivered:
    return EventUndelivered("HTTP 503")
