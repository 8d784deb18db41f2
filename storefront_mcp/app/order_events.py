"""Order event wiring: who is told of which orders, and by which protocol's words."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from storefront_mcp.acp.order_events import SIGNATURE_HEADER, event_body, merchant_signature, order_body
from storefront_mcp.checkout.record import Checkout, CheckoutRepository
from storefront_mcp.checkout_sessions.cart_links import CartLinks
from storefront_mcp.checkout_sessions.record import split_session_id
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.order import OrderProgress
from storefront_mcp.commerce.origins import is_loopback
from storefront_mcp.database.encryption import FieldEncryption
from storefront_mcp.database.engine import Database
from storefront_mcp.database.order_events import SqlOrderEventQueue
from storefront_mcp.order_events.dispatcher import OrderEventDispatcher, StoreOrders, forget_told
from storefront_mcp.order_events.webhook_sender import OrderEventReceiver, OrderEventSender
from storefront_mcp.public_http.exchange import PublicExchange
from storefront_mcp.settings.schema import StoreSettings


class OrderEventWiring:
    """Order events of all stores of one worker."""

    def __init__(
        self,
        database: Database,
        records: CheckoutRepository,
        *,
        encryption: FieldEncryption | None,
        now: Callable[[], float],
    ) -> None:
        """`now` gives Unix seconds."""
        self._queue = SqlOrderEventQueue(database, encryption=encryption)
        self._records = records
        self._now = now
        self._orders: dict[StoreId, StoreOrders] = {}
        self._receivers: dict[tuple[StoreId, str], OrderEventReceiver] = {}
        self._local = False

    def add(self, settings: StoreSettings, links: CartLinks, backend: ShopBackend) -> None:
        """Tell the receivers of a store of its orders; `links` are the pages that show one."""
        for webhook in settings.acp.webhooks:
            if webhook.secret is not None:
                receiver = OrderEventReceiver(url=webhook.url, secret=webhook.secret)
                self._receivers[settings.id, webhook.owner] = receiver
        self._orders[settings.id] = AcpOrders(links, backend)
        self._local = self._local or is_loopback(settings.origin)

    def jobs(self) -> Mapping[str, Coroutine[Any, Any, None]]:
        """What runs beside requests."""
        forgetting = {"forget what receivers were told": forget_told(self._queue, now=self._now)}
        if not self._receivers:
            return forgetting
        sender = OrderEventSender(PublicExchange(loopback=self._local), _sign, now=self._now)
        dispatcher = OrderEventDispatcher(
            self._queue, self._records, sender, self._orders, self._receivers, now=self._now
        )
        return {"tell receivers of orders": dispatcher.run(), **forgetting}


class AcpOrders:
    """Implements `StoreOrders`."""

    def __init__(self, links: CartLinks, backend: ShopBackend) -> None:
        self._links = links
        self._backend = backend

    def order(self, checkout: Checkout, session: str, progress: OrderProgress | None) -> bytes:
        """The order of a checkout as JSON, by the id of its session."""
        cart, _ = split_session_id(session)
        return order_body(checkout, session, self._links.url(cart), progress)

    def event(self, order: bytes, *, created: bool) -> bytes:
        """The body that tells of an order which is new, or has changed."""
        return event_body(order, created=created)

    async def progress(self, checkout: Checkout) -> OrderProgress | None:
        """How the order stands; None where the shop does not tell. Raises ShopError."""
        known = None if checkout.personal is None else checkout.personal.order
        return None if known is None else await self._backend.order_progress(known)


def _sign(key: bytes, seconds: int, body: bytes) -> tuple[str, str]:
    return SIGNATURE_HEADER, merchant_signature(key, seconds, body)
