"""Shops of one software in one process, one for each currency, with one control API as the demo shop has it."""

from collections.abc import Iterator
from typing import Any

from litestar.types import Receive, Send
from msgspec.structs import replace

from storefront_mcp.backends.medusa.orders import PAYMENT_KEY, REFERENCE_KEY
from storefront_mcp.commerce.money import Money
from storefront_mcp.payments.served_methods import CAPTURE_FIELDS
from tests.chaos.faults.environment import CURRENCIES
from tests.fakes.demo_faults import FaultQueue
from tests.fakes.demo_shop import CONTROL, SoldOrder, control_api
from tests.fakes.medusa.shop import MedusaShop, live
from tests.fakes.medusa.state import stocked
from tests.fakes.woocommerce import WooShop
from tests.journeys.shops.medusa import priced, world_document
from tests.journeys.shops.woocommerce import hundredths, stocked_shop

[PAYMENT] = set(CAPTURE_FIELDS.values())
"""What the audit knows a payment by."""


class ShopPerCurrency:
    """An ASGI application: the shop that sells in AUD is at `/aud`."""

    def __init__(self, kind: str) -> None:
        self.faults = FaultQueue()
        self.shops: dict[str, MedusaShop | WooShop] = {
            id_: MedusaShop(stocked(world_document(code))) if kind == "medusa" else stocked_shop(code)
            for id_, code in CURRENCIES.items()
        }
        for shop in self.shops.values():
            shop.faults = self.faults
        self._control = control_api(self)

    @property
    def books(self) -> tuple[SoldOrder, ...]:
        """The orders of all; one that its shop does not know to be paid has no payment."""
        return tuple(order for id_, shop in self.shops.items() for order in _sold(shop, CURRENCIES[id_], id_))

    def set_stock(self, sku: str, pieces: int) -> None:
        """Have so many of a SKU."""
        for shop in self.shops.values():
            if isinstance(shop, MedusaShop):
                shop.state.by_sku(sku)["stock"] = pieces
            else:
                shop.state.stock[sku] = pieces

    def change_price(self, sku: str, cents: int) -> None:
        """Let a product cost so many AUD cents more, in open carts too."""
        for id_, shop in self.shops.items():
            if isinstance(shop, MedusaShop):
                [price] = shop.state.by_sku(sku)["prices"]
                price["amount"] = round(price["amount"] + priced(cents / 100, CURRENCIES[id_])["amount"], 3)
            else:
                product = shop.state.catalogue.by_sku(sku)
                assert product is not None
                dearer = replace(product, cents=product.cents + hundredths(cents, CURRENCIES[id_]))
                shop.state.catalogue.products[product.id] = dearer

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await live(receive, send)
        elif scope["path"].startswith(CONTROL):
            await self._control(scope, receive, send)
        else:
            _, which, path = scope["path"].split("/", 2)
            await self.shops[which]({**scope, "path": f"/{path}"}, receive, send)


def _sold(shop: MedusaShop | WooShop, currency: str, id_: str) -> Iterator[SoldOrder]:
    if isinstance(shop, WooShop):
        for sold in shop.books:
            made = shop.state.orders[int(sold.number)]
            paid = (made.status, made.payments_completed) == ("processing", 1)
            yield _order(
                id_, sold.number, sold.cart, Money(sold.total, currency), made.transaction if paid else "", sold.note
            )
        return
    for order in shop.state.orders.values():
        kept = order["kept"]
        payment = kept["metadata"].get(PAYMENT_KEY, "") if order["payment_status"] == "captured" else ""
        total = Money.of(str(order["total"]), currency)
        yield _order(id_, order["display_id"], kept["cart"], total, payment, kept["metadata"].get(REFERENCE_KEY, ""))


def _order(id_: str, number: str | int, cart: str, total: Money, payment: str, note: str) -> SoldOrder:
    return SoldOrder(
        number=f"{id_} {number}",
        cart=f"{id_} {cart}",
        total=total.minor,
        currency=total.currency,
        method="",
        payment={PAYMENT: payment},
        note=note,
        email="",
        placed=0.0,
    )
