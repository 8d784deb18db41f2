"""Medusa's stand-in, stocked like the demo shop, with one region that has the whole world in it."""

import contextlib
from collections.abc import Iterator
from decimal import Decimal

from storefront_mcp.access.credentials import Secret
from storefront_mcp.demo.countries import DELIVERY_COUNTRIES, HOME_COUNTRY
from storefront_mcp.demo.currencies import CURRENCIES
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.settings.schema import PaymentSettings, UpstreamSettings
from tests.fakes.medusa.shop import MedusaShop
from tests.fakes.medusa.state import stocked
from tests.fakes.medusa.stock import Json, stock_document
from tests.journeys.shops.journey_shop import JourneyShop, ShopOrder
from tests.serving import served

WEBSITE = "https://shop.example"
LACKS = {
    "custom_options": "a product has variants, and nothing that a buyer writes",
    "guests_apart": "an order with the e-mail address of an account is that account's, signed in or not",
    "gift_cards": "only extensions sell them",
    "order_cancellation": "only the staff cancels an order",
    "pages": "texts are the storefront's, not the shop's",
}


def world_document(currency: str) -> Json:
    """The stock document with pictures and one region, which sells in this currency to where the demo shop delivers."""
    document, code = stock_document(), currency.lower()
    everywhere = [country.lower() for country in DELIVERY_COUNTRIES]
    home = HOME_COUNTRY.lower()
    zones = [
        {**zone, "countries": [home] if home in zone["countries"] else [one for one in everywhere if one != home]}
        for zone in document["zones"]
    ]
    variants = [one for product in document["products"] for one in product["variants"]]
    variants += [one for zone in zones for one in zone["options"]]
    for one in variants:
        for name in ("prices", "sale"):
            if one.get(name):
                one[name] = [priced(one[name][0]["amount"], currency)]
    for promotion in document["promotions"]:
        promotion["application_method"]["currency_code"] = code
    for product in document["products"]:
        product["thumbnail"] = f"{WEBSITE}/static/{product['handle']}.jpg"
    region = {
        "name": "World",
        "currency_code": code,
        "countries": everywhere,
        "is_tax_inclusive": True,
        "tax": {home: 10},
    }
    return {**document, "regions": [region], "zones": zones}


def priced(dollars: float, currency: str) -> Json:
    """Australian dollars in another currency, by the demo shop's rate."""
    of = CURRENCIES[currency]
    return {"currency_code": currency.lower(), "amount": of.major(of.of(round(dollars * 100)))}


@contextlib.contextmanager
def open_shop(currency: str) -> Iterator[JourneyShop]:
    """A shop behind a real socket."""
    shop = MedusaShop(stocked(world_document(currency)))
    shop.state.add_people(PICKLERS)
    parcel, express, abroad = shop.state.shipping

    def orders() -> list[ShopOrder]:
        return [
            ShopOrder(
                number=str(one["display_id"]),
                total=int(Decimal(str(one["total"])).scaleb(CURRENCIES[currency].digits)),
                currency=one["currency_code"].upper(),
                texts=str(one["kept"]["metadata"]),
                paid=one["payment_status"] == "captured",
            )
            for one in shop.state.orders.values()
        ]

    def take_piece(sku: str) -> None:
        shop.state.by_sku(sku)["stock"] -= 1

    with served(shop) as url:
        yield JourneyShop(
            kind="medusa",
            set_up={
                "currency": currency,
                "upstream": UpstreamSettings(
                    kind="medusa", url=url, publishable_key=shop.state.key, secret_key=Secret(shop.state.secret_key)
                ),
                "payments": PaymentSettings(provider="sandbox", method="pp_system_default"),
                "website": WEBSITE,
                "pages": (),
                "delivery_times": {parcel: "2-6 working days", express: "1-2 working days"},
            },
            family="club-tee",
            parcel=parcel,
            express=express,
            abroad=abroad,
            required=(),
            orders=orders,
            take_piece=take_piece,
            faults=shop.faults,
            order_path="/complete",
        )
