"""WooCommerce's stand-in, stocked like the demo shop, with one currency."""

import contextlib
from collections.abc import Iterator

from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.demo.catalogue.model import DemoCatalogue, DemoProduct
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from storefront_mcp.demo.countries import DELIVERY_COUNTRIES, HOME_COUNTRY
from storefront_mcp.demo.currencies import AUD, CURRENCIES
from storefront_mcp.settings.schema import PaymentSettings, UpstreamSettings
from tests.fakes.woocommerce import MERCHANT_KEY, MERCHANT_SECRET, WooShop, woo_shop
from tests.fakes.woocommerce.state import TaxMode
from tests.journeys.shops.journey_shop import JourneyShop, ShopOrder
from tests.serving import served

LACKS = {
    "accounts": "its customers type a code that is mailed to them, of which another story tells",
    "custom_options": "only extensions have what a buyer writes, and the Store API passes none on",
    "gift_cards": "only extensions sell them",
}
PARCEL, EXPRESS, ABROAD = "flat_rate:1", "flat_rate:3", "flat_rate:5"
GST = 1.1


def in_currency(currency: str) -> DemoCatalogue:
    """The demo's goods, with prices by its rate, in hundredths of the currency's unit."""
    stocked = pickle_warehouse()

    def priced(product: DemoProduct) -> DemoProduct:
        sale = product.sale_cents
        return replace(
            product,
            cents=hundredths(product.cents, currency),
            sale_cents=None if sale is None else hundredths(sale, currency),
        )

    return replace(stocked, products={number: priced(one) for number, one in stocked.products.items()})


def hundredths(cents: int, currency: str) -> int:
    """Australian cents in hundredths of a currency's unit, by the demo shop's rate."""
    of = CURRENCIES[currency]
    return round(of.of(cents) * 100 / 10**of.digits)


def stocked_shop(currency: str) -> WooShop:
    """The stand-in, which delivers to where the demo shop does, by its prices."""
    # Rates are without tax there, and the tax on them is rounded to cents.
    tax: TaxMode = "included" if currency == AUD.code else "none"

    def rate(name: str, cents: int) -> tuple[str, int]:
        return name, hundredths(round(cents / GST) if tax == "included" else cents, currency)

    return woo_shop(
        currency=currency,
        decimals=CURRENCIES[currency].digits,
        tax=tax,
        catalogue=in_currency(currency),
        pictures=True,
        served=DELIVERY_COUNTRIES,
        abroad=tuple(code for code in DELIVERY_COUNTRIES if code != HOME_COUNTRY),
        home_rates={PARCEL: rate("Parcel Post", 1195), EXPRESS: rate("Express Post", 1745)},
        abroad_rates={ABROAD: rate("International Standard", 3495)},
    )


@contextlib.contextmanager
def open_shop(currency: str) -> Iterator[JourneyShop]:
    """A shop behind a real socket."""
    shop = stocked_shop(currency)

    def orders() -> list[ShopOrder]:
        return [
            ShopOrder(
                number=str(one.id),
                total=one.total,
                currency=currency,
                texts=one.note,
                paid=(one.status, one.payments_completed) == ("processing", 1) and bool(one.transaction),
            )
            for one in shop.state.orders.values()
        ]

    def take_piece(sku: str) -> None:
        shop.state.stock[sku] -= 1

    with served(shop) as url:
        yield JourneyShop(
            kind="woocommerce",
            set_up={
                "currency": currency,
                "upstream": UpstreamSettings(
                    kind="woocommerce",
                    url=url,
                    consumer_key=MERCHANT_KEY,
                    consumer_secret=Secret(MERCHANT_SECRET),
                ),
                "payments": PaymentSettings(provider="sandbox", method="cheque"),
                "website": "https://shop.example",
                "delivery_times": {PARCEL: "2-6 working days", EXPRESS: "1-2 working days"},
            },
            parcel=PARCEL,
            express=EXPRESS,
            abroad=ABROAD,
            required=("last_name",),
            orders=orders,
            take_piece=take_piece,
            faults=shop.faults,
            order_path="/checkout",
        )
