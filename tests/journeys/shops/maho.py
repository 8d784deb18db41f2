"""The demo shop at an address of its own, where a test can reach into it."""

import contextlib
from collections.abc import Iterator

from storefront_mcp.access.credentials import Secret
from storefront_mcp.settings.schema import UpstreamSettings
from tests.fakes.demo_shop import demo_shop
from tests.journeys.shops.journey_shop import JourneyShop, ShopOrder
from tests.serving import served

LACKS: dict[str, str] = {}


@contextlib.contextmanager
def open_shop(currency: str) -> Iterator[JourneyShop]:
    """A shop behind a real socket."""
    shop = demo_shop()

    def orders() -> list[ShopOrder]:
        return [
            ShopOrder(
                number=one.number,
                total=one.total,
                currency=one.currency,
                texts=one.note,
                paid=str(one.payment.get("reference")).startswith("sandbox_payment_"),
            )
            for one in shop.books
        ]

    def take_piece(sku: str) -> None:
        shop.state.take_stock(sku, 1)

    with served(shop) as origin:
        yield JourneyShop(
            kind="maho",
            set_up={
                "currency": currency,
                "upstream": UpstreamSettings(
                    kind="maho",
                    url=origin,
                    client_id=shop.state.account.client_id,
                    client_secret=Secret(shop.state.account.client_secret),
                ),
            },
            parcel="auspost_parcel",
            express="auspost_express",
            abroad="auspost_international",
            orders=orders,
            take_piece=take_piece,
            faults=shop.faults,
            order_path="/place-order",
        )
