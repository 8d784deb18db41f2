"""The demo shop under control: it fails as planned, is as unsafe as real stores are, and can be looked into."""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Protocol

import msgspec
from litestar import Litestar, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.types import Receive, Scope, Send
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.demo import shop
from storefront_mcp.demo.api_errors import ApiError, Json, internal_error
from storefront_mcp.demo.fulfilment import ship_order
from storefront_mcp.demo.models import DemoCart, DemoOrder, PaymentModule, PaymentRefused
from storefront_mcp.demo.ordering import OrderPlacement
from storefront_mcp.demo.state import DemoState
from tests.fakes import older_fork
from tests.fakes.demo_faults import DemoFault, FaultPlan, FaultQueue, FaultRates
from tests.fakes.faulty_app import FaultyApp

CONTROL = "/_test/"
BREAKS_AFTER_PAYMENT: ContextVar[bool] = ContextVar("breaks_after_payment", default=False)
BREAKS_AFTER_COMMIT: ContextVar[bool] = ContextVar("breaks_after_commit", default=False)
BREAKS = {DemoFault.CAPTURED: BREAKS_AFTER_PAYMENT, DemoFault.COMMITTED: BREAKS_AFTER_COMMIT}
"""Set while the shop answers a request that these faults are for."""


class UnsafeBehaviours(Struct, frozen=True, kw_only=True):
    """Where a real store is unsafe the demo shop is not; each switch brings one unsafe behaviour back."""

    duplicate_orders: bool = False
    """Parallel place-order calls on one cart each make an order."""
    opaque_errors: bool = False
    """An incomplete place-order, or one for sold-out goods, ends in the same 500 without a reason."""
    unchecked_orders: bool = False
    """No e-mail address, "not-an-email" and the country ZZ are accepted and stored."""
    older_fork: bool = False
    """See `older_fork`."""


SAFE = UnsafeBehaviours()


class SoldOrder(Struct, frozen=True, kw_only=True):
    """An order as an auditor wants it."""

    number: str
    cart: str
    """The masked id of the cart it was made of."""
    total: int
    """In minor units of `currency`."""
    currency: str
    method: str
    payment: dict[str, Any]
    """What came as `paymentData`."""
    note: str
    email: str
    placed: float
    """Unix seconds."""


class ShipOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /_test/ship`."""

    number: str
    carrier: str
    tracking: str


class SetStock(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /_test/stock`."""

    sku: str
    pieces: int


class ChangePrice(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /_test/price`: AUD cents more, or less, for a product, and for what is in carts of it."""

    sku: str
    cents: int


class UnsafePlacement(OrderPlacement):
    """Places orders with some checks off."""

    def __init__(self, state: DemoState, unsafe: UnsafeBehaviours) -> None:
        super().__init__(state)
        self.unsafe = unsafe
        if unsafe.unchecked_orders:
            self.delivery_countries = None

    async def place(self, masked_id: str, body: Json, currency: str) -> tuple[DemoOrder, str]:
        if not self.unsafe.duplicate_orders:
            return await super().place(masked_id, body, currency)
        cart = self.ready_cart(masked_id, body, currency)
        await asyncio.sleep(0)
        return await self.pay_and_record(cart, body, currency)

    def addresses(self, body: Json) -> Json:
        return {} if self.unsafe.older_fork else super().addresses(body)

    def check_complete(self, cart: DemoCart, email: str) -> None:
        try:
            super().check_complete(cart, email)
        except ApiError:
            if self.unsafe.opaque_errors:
                raise internal_error() from None
            raise

    def check_email(self, email: str) -> None:
        if not self.unsafe.unchecked_orders:
            super().check_email(email)

    def check_addresses(self, cart: DemoCart) -> None:
        if not self.unsafe.older_fork:
            super().check_addresses(cart)

    def save_note(self, order: DemoOrder, note: str) -> DemoOrder:
        if BREAKS_AFTER_COMMIT.get():
            raise internal_error()
        return super().save_note(order, note)


class BreakableModule:
    """A payment module after which the shop may break, and whose refusals may become errors without a reason."""

    def __init__(self, module: PaymentModule, *, opaque: bool) -> None:
        self._module = module
        self._opaque = opaque

    async def take(self, *, amount: int, currency: str, data: Mapping[str, Any]) -> None:
        try:
            await self._module.take(amount=amount, currency=currency, data=data)
        except PaymentRefused as refusal:
            if self._opaque:
                raise RuntimeError from refusal
            raise
        if BREAKS_AFTER_PAYMENT.get():
            raise RuntimeError


class ControlledShop(FaultyApp):
    """An ASGI application: the demo shop behind its faults."""

    def __init__(self, app: shop.DemoShop, faults: FaultQueue, *, older_fork: bool, open_books: bool) -> None:
        super().__init__(app, faults)
        self.state = app.demo
        self.older_fork = older_fork
        self._control = control_api(self, self._shipping()) if open_books else None

    @property
    def books(self) -> tuple[SoldOrder, ...]:
        """The orders as an auditor wants them, the oldest first."""
        return tuple(
            SoldOrder(
                number=order.increment_id,
                cart=order.masked_id,
                total=order.total,
                currency=order.currency,
                method=order.method,
                payment=order.payment,
                note=order.note,
                email=order.email,
                placed=order.placed,
            )
            for order in self.state.orders.values()
        )

    def set_stock(self, sku: str, pieces: int) -> None:
        """Have so many of a SKU."""
        self.state.take_stock(sku, self.state.stock[sku] - pieces)

    def change_price(self, sku: str, cents: int) -> None:
        """Let a product cost so many AUD cents more."""
        change_price(self.state, sku, cents)

    def _shipping(self) -> HTTPRouteHandler:
        @post(f"{CONTROL}ship")
        async def ship(data: JSONBody[ShipOrder]) -> dict[str, str]:
            ship_order(self.state, data.number, tracks={data.tracking: data.carrier})
            return {}

        return ship

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail as planned."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self._control is not None and scope["path"].startswith(CONTROL):
            await self._control(scope, receive, send)
            return
        if self.older_fork:
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"x-currency-code"]
        await super().__call__(scope, receive, send)

    async def fail(self, fault: DemoFault, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        if fault in BREAKS:
            token = BREAKS[fault].set(True)
            await self.app(scope, receive, send)
            BREAKS[fault].reset(token)
        else:
            await super().fail(fault, seconds, scope, receive, send)


class Controllable(Protocol):
    """A shop that `control_api` controls."""

    faults: FaultQueue

    @property
    def books(self) -> tuple[SoldOrder, ...]:
        """The orders, the oldest first."""

    def set_stock(self, sku: str, pieces: int) -> None:
        """Have so many of a SKU."""

    def change_price(self, sku: str, cents: int) -> None:
        """Let a product cost so many AUD cents more, in open carts too."""


def control_api(controlled: Controllable, *more: HTTPRouteHandler) -> Litestar:
    """`/_test/…`: how a test in another process plans faults and reads the books."""

    @get(f"{CONTROL}books")
    async def books() -> dict[str, Any]:
        return {"orders": msgspec.to_builtins(controlled.books)}

    @post(f"{CONTROL}faults")
    async def faults(data: JSONBody[FaultPlan]) -> dict[str, str]:
        controlled.faults.plan(data)
        return {}

    @post(f"{CONTROL}chance")
    async def chance(data: JSONBody[FaultRates]) -> dict[str, str]:
        controlled.faults.draw(data)
        return {}

    @post(f"{CONTROL}calm")
    async def calm() -> dict[str, str]:
        controlled.faults.clear()
        return {}

    @post(f"{CONTROL}stock")
    async def stock(data: JSONBody[SetStock]) -> dict[str, str]:
        controlled.set_stock(data.sku, data.pieces)
        return {}

    @post(f"{CONTROL}price")
    async def price(data: JSONBody[ChangePrice]) -> dict[str, str]:
        controlled.change_price(data.sku, data.cents)
        return {}

    return Litestar([books, faults, chance, calm, stock, price, *more], openapi_config=None, logging_config=None)


def change_price(state: DemoState, sku: str, cents: int) -> None:
    """Change the price of a product and all its variants, in open carts too, as shops do."""
    product = state.catalogue.by_sku(sku)
    assert product is not None
    listed = state.catalogue.products[product.parent or product.id]
    state.catalogue.products[listed.id] = replace(listed, cents=listed.cents + cents)
    for cart in [one for one in state.carts.values() if one.active]:
        lines = [
            replace(line, cents=line.cents + cents) if line.product_id == listed.id else line for line in cart.lines
        ]
        state.update_cart(cart, lines=tuple(lines))


def demo_shop(
    *,
    unsafe: UnsafeBehaviours = SAFE,
    faults: FaultQueue | None = None,
    payment_modules: Mapping[str, PaymentModule] | None = None,
    open_books: bool = False,
    **options: Any,
) -> ControlledShop:
    """A shop under control; `options` are those of `DemoState`. `open_books` serves the control API under `/_test/`."""
    modules = {
        code: BreakableModule(module, opaque=unsafe.opaque_errors) for code, module in (payment_modules or {}).items()
    }
    state = (older_fork.OlderForkState if unsafe.older_fork else DemoState)(payment_modules=modules, **options)
    app = shop.demo_shop(
        state,
        ordering=lambda made: UnsafePlacement(made, unsafe),
        routes=older_fork.ROUTES if unsafe.older_fork else shop.ROUTES,
    )
    return ControlledShop(app, faults or FaultQueue(), older_fork=unsafe.older_fork, open_books=open_books)
