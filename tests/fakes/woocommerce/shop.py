"""The stand-in as an ASGI application, behind the faults that a test plans."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs

from litestar.types import Receive, Scope, Send

from tests.fakes.demo_faults import DemoFault, FaultQueue
from tests.fakes.demo_shop import SoldOrder
from tests.fakes.faulty_app import FaultyApp, received, respond
from tests.fakes.woocommerce import carts, catalogue, customers, orders
from tests.fakes.woocommerce.catalogue import Answer, Query
from tests.fakes.woocommerce.state import MERCHANT_KEY, MERCHANT_SECRET, Refused, WooCart, WooState

ROOT = "/wp-json"
STORE = f"{ROOT}/wc/store/v1"
MERCHANT = f"{ROOT}/wc/v3/orders"
CUSTOMERS = f"{ROOT}/wc/v3/customers"
PRODUCTS = f"{ROOT}/wc/v3/products"
GENERAL = f"{ROOT}/wc/v3/settings/general"
GUESTS = f"{ROOT}/wc/v3/settings/account/woocommerce_enable_guest_checkout"
CHANGES = {
    "add-item": carts.add_item,
    "update-item": carts.update_item,
    "remove-item": carts.remove_item,
    "apply-coupon": carts.apply_coupon,
    "remove-coupon": carts.remove_coupon,
    "update-customer": carts.update_customer,
    "select-shipping-rate": carts.select_rate,
}
CREDENTIALS = f"Basic {base64.b64encode(f'{MERCHANT_KEY}:{MERCHANT_SECRET}'.encode()).decode()}"
NO_ROUTE = "No route was found matching the URL and request method."
Reply = tuple[int, Any, dict[str, str]]


class WooApplication:
    """The shop itself, which answers every request."""

    def __init__(self, state: WooState) -> None:
        self.demo = state

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await _lifespan(receive, send)
            return
        replay, body = await received(receive), b""
        while (message := await replay())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        self.demo.asked.append((scope["method"], scope["path"]))
        try:
            status, said, more = await self._answer(scope["method"], scope["path"], query, headers, body)
        except Refused as refused:
            status, said, more = refused.status, refused.body, {}
        except orders.Broken:
            status, more = 500, {}
            said = {"code": "internal_server_error", "message": "<p>There has been a critical error.</p>", "data": {}}
        told = {"content-type": "application/json; charset=UTF-8", "vary": "Origin", **more}
        content = json.dumps(said).encode()
        await respond(send, status, [(name.encode(), value.encode()) for name, value in told.items()], content)

    async def _answer(self, method: str, path: str, query: Query, headers: dict[str, str], body: bytes) -> Reply:
        if path == "/" and method == "GET":
            return 200, "a shop", {}
        if path.startswith(MERCHANT):
            return 200, *self._merchant(method, path.removeprefix(MERCHANT).strip("/"), query, headers, body)
        if path in {GENERAL, GUESTS, PRODUCTS} or path.startswith(CUSTOMERS):
            return 200, *self._staff(path, query, headers)
        if path == f"{ROOT}/wp/v2/pages" and method == "GET":
            return 200, *catalogue.pages(self.demo, query)
        if not path.startswith(f"{STORE}/"):
            raise Refused(404, "rest_no_route", NO_ROUTE)
        below = path.removeprefix(f"{STORE}/")
        if below.startswith(("cart", "checkout")):
            return await self._session(method, below, headers, body)
        if method == "GET":
            return 200, *self._read(below, query)
        raise Refused(404, "rest_no_route", NO_ROUTE)

    def _staff(self, path: str, query: Query, headers: dict[str, str]) -> Answer:
        may = {PRODUCTS: self.demo.may_read, CUSTOMERS: self.demo.may_read_customers}
        is_closed = any(path.startswith(at) and not opened for at, opened in may.items())
        if is_closed or headers.get("authorization") != CREDENTIALS:
            raise Refused(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        if path == PRODUCTS:
            return catalogue.merchant_products(self.demo, query)
        if path.startswith(CUSTOMERS):
            key = path.removeprefix(CUSTOMERS).strip("/")
            return customers.customer(self.demo, key, query) if key else customers.customers(self.demo, query)
        return orders.settings(self.demo, path.rpartition("/")[2]), {}

    def _read(self, below: str, query: Query) -> Answer:
        kind, _, key = below.partition("/")
        if kind == "order" and key:
            return orders.guest_order(self.demo, key, query)
        if kind != "products":
            raise Refused(404, "rest_no_route", NO_ROUTE)
        if not key:
            return catalogue.listed(self.demo, query)
        if key == "collection-data":
            return catalogue.collection_data(self.demo, query)
        if key == "categories":
            return catalogue.categories(self.demo, query)
        if key.startswith("categories/"):
            return catalogue.category(self.demo, key.partition("/")[2])
        return catalogue.single(self.demo, key)

    async def _session(self, method: str, below: str, headers: dict[str, str], body: bytes) -> Reply:
        """A call about a cart, which every answer names by a fresh token, refusals included."""
        session = self.demo.session(headers.get("cart-token", ""))
        cart = self.demo.cart(session)
        more = {"cart-token": self.demo.token(cart.session), "nonce": "0123456789", "cache-control": "no-store"}
        try:
            status, said = await self._cart_call(method, below, cart, body, known=session is not None)
        except Refused as refused:
            return refused.status, refused.body, more
        return status, said, more

    async def _cart_call(self, method: str, below: str, cart: WooCart, body: bytes, *, known: bool) -> tuple[int, Any]:
        if method != "GET" and not known:
            said = "Missing the Nonce header. This endpoint requires a valid nonce."
            raise Refused(401, "woocommerce_rest_missing_nonce", said)
        if below == "cart" and method == "GET":
            return 200, carts.cart_body(self.demo, cart)
        _, _, change = below.partition("/")
        if method == "POST" and change in CHANGES:
            CHANGES[change](self.demo, cart, _json(body))
            return 201 if change == "add-item" else 200, carts.cart_body(self.demo, cart)
        if method == "POST" and below == "checkout":
            return 200, await orders.checkout(self.demo, cart, _json(body))
        raise Refused(404, "rest_no_route", NO_ROUTE)

    def _merchant(self, method: str, key: str, query: Query, headers: dict[str, str], body: bytes) -> Answer:
        may = self.demo.may_read if method == "GET" else self.demo.may_write
        if not may or headers.get("authorization") != CREDENTIALS:
            raise Refused(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        if method == "PUT":
            return orders.change_order(self.demo, key, _json(body))
        if not key:
            return orders.merchant_orders(self.demo, query)
        number, _, part = key.partition("/")
        return (orders.merchant_notes if part == "notes" else orders.merchant_order)(self.demo, number, query)


class WooShop(FaultyApp):
    """The stand-in behind its faults."""

    def __init__(self, state: WooState, faults: FaultQueue) -> None:
        super().__init__(WooApplication(state), faults)
        self.state = state

    async def fail(self, fault: DemoFault, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        """Fail in this way."""
        if fault is not DemoFault.COMMITTED:
            await super().fail(fault, seconds, scope, receive, send)
            return
        token = orders.BREAKS_AFTER_COMMIT.set(True)
        await self.app(scope, receive, send)
        orders.BREAKS_AFTER_COMMIT.reset(token)

    @property
    def books(self) -> tuple[SoldOrder, ...]:
        """The orders as an auditor wants them, the oldest first."""
        return tuple(
            SoldOrder(
                number=str(order.id),
                cart=order.session,
                total=order.total,
                currency=self.state.currency,
                method=order.method,
                payment={"transaction_id": order.transaction},
                note=order.note,
                email=order.email,
                placed=0.0,
            )
            for order in self.state.orders.values()
        )


def woo_shop(*, faults: FaultQueue | None = None, **options: Any) -> WooShop:
    """A shop under control; `options` are those of `WooState`."""
    return WooShop(WooState(**options), faults or FaultQueue())


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        raise Refused(400, "rest_invalid_json", "Invalid JSON body passed.") from None
    return said if isinstance(said, dict) else {}


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message: Any = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
